// File extensions.

/** @param {{ name: string }} file */
export const extensionOf = ({ name }) => name.slice(name.lastIndexOf(".") + 1);

/**
 * What stands in place of a thumbnail.
 * @param {{ name: string }} file
 */
export const kindOf = (file) => (file.name.includes(".") ? extensionOf(file).slice(0, 4).toUpperCase() : "?");
