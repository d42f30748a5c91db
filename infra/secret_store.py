"""Where the secrets of a site are kept: one encrypted SSM parameter, with a label on the version that is deployed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from infra import keys
from infra.errors import DeployError

DEPLOYED = "deployed"  # SSM moves a label to the version that gets it


@dataclass
class SecretStore:
    ssm: Any
    name: str

    def read(self) -> tuple[keys.Values, int]:
        """Return the secrets and their version, or new secrets with version 0 if there are none."""
        try:
            kept = self.ssm.get_parameter(Name=self.name, WithDecryption=True)["Parameter"]
        except self.ssm.exceptions.ParameterNotFound:
            return keys.new(), 0
        return json.loads(kept["Value"]), int(kept["Version"])

    def write(self, values: keys.Values) -> int:
        """Store the secrets; return their version. Two link keys exceed the 4 KB of a standard parameter."""
        written = self.ssm.put_parameter(
            Name=self.name,
            Value=json.dumps(values),
            Type="SecureString",
            Tier="Intelligent-Tiering",
            Overwrite=True,
        )
        return int(written["Version"])

    def rotate(self) -> str:
        """Take the next step of a rotation, unless the last one is still to be deployed; return a description.

        A key that is used before everything knows it would lock visitors out. Raises DeployError.
        """
        values, version = self.read()
        if version == 0:
            raise DeployError("there are no keys yet; run `make deploy`")
        if version != self.deployed():
            return "The present keys were not deployed completely. This deploys them; then run it again for the next step."
        said = keys.rotate(values)
        self.write(values)
        return said

    def deployed(self) -> int:
        """Return the version that was deployed last, or 0."""
        errors = self.ssm.exceptions
        try:
            return int(self.ssm.get_parameter(Name=f"{self.name}:{DEPLOYED}")["Parameter"]["Version"])
        except (errors.ParameterNotFound, errors.ParameterVersionNotFound):
            return 0

    def note_deployed(self, version: int) -> None:
        self.ssm.label_parameter_version(Name=self.name, ParameterVersion=version, Labels=[DEPLOYED])

    def delete(self) -> None:
        self.ssm.delete_parameters(Names=[self.name])
