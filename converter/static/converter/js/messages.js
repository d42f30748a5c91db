// API messages in the language of the page: templates by code, filled in like on the server.

/** @type {[string, number, number][]} unit, bytes, and maximum number of decimals */
const UNITS = [
  ["GB", 1e9, 2],
  ["MB", 1e6, 1],
  ["KB", 1e3, 1],
  ["B", 1, 0],
];

/**
 * @typedef {{ code: string, params?: Record<string, any> }} Message
 * @param {Record<string, string>} templates
 * @param {string} language
 */
export function reader(templates, language) {
  /** @type {(value: number, least: number, most: number, useGrouping?: boolean) => string} */
  const number = (value, least, most, useGrouping = false) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: least, maximumFractionDigits: most, useGrouping }).format(value);

  /**
   * The message as text; nothing if its template is unknown.
   * @param {Message} message
   * @returns {string | undefined}
   */
  function fill({ code, params = {} }) {
    const template = templates["kind" in params ? `${code}.${params.kind}` : code];
    return template?.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, name, format = "") => part(params[name], format));
  }

  /** @type {(value: number) => string} */
  function size(value) {
    const [unit, bytes, most] = UNITS.find(([, bytes]) => value >= bytes) ?? UNITS[3];
    return `${number(value / bytes, 0, most)} ${unit}`;
  }

  /** @type {(value: any, format: string) => string} */
  function part(value, format) {
    if (Array.isArray(value)) return value.map((one) => part(one, format)).join(value.some((one) => typeof one === "object") ? " " : ", ");
    if (typeof value === "string") return (format === "word" && templates[`word.${value}`]) || value;
    if (typeof value === "object") return fill(value) ?? "";
    if (format === "B") return size(value);
    if (format === "M") return number(value / 1e6, 0, 1);
    if (!format.startsWith(".")) return number(value, 0, 6, format === ",");
    const decimals = Number(format.slice(1, -1)); // .3f
    return number(value, decimals, decimals);
  }

  return fill;
}
