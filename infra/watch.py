"""Watch the site and its error alarms after a deploy of code, and roll back if they indicate a fault.

Traffic is not shifted gradually: Zappa's API and the bucket notification call the function itself, and every
update would have to put an alias in between. New code gets all requests at once, until a fault is noticed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NoReturn

from infra.deployment import Deployment
from infra.errors import DeployError

ALARMS = ("web-errors", "web-server-errors", "api-errors", "worker-errors")
WAKING = 60  # seconds; a paused database needs 15 of them
MINUTES = 10  # alarms cover five minutes, and CloudWatch needs another one or two


@dataclass
class Watch:
    site: Deployment
    seconds: float = MINUTES * 60
    pause: float = 15
    before: set[str] = field(default_factory=set)
    can_go_back: bool = False
    answered: bool = False

    def note(self) -> None:
        """Record which alarms are on before the deploy, since the new code may be meant to fix them."""
        self.before = self.on()
        self.can_go_back = self.site.has_function("production")
        self.answered = self.can_go_back and self.site.status_within(WAKING) == 200

    def wait_for_answer(self) -> None:
        """Roll back and raise DeployError if a site that responded before the deploy no longer does."""
        try:
            self.site.wait_for_site()
        except DeployError as error:
            if not self.answered:
                raise
            self.go_back(str(error))

    def on(self) -> set[str]:
        names = [f"{self.site.project}-{alarm}" for alarm in ALARMS]
        found = self.site.aws("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        return {str(alarm["AlarmName"]) for alarm in found if alarm["StateValue"] == "ALARM"}

    def watch(self) -> None:
        """Roll back and raise DeployError if an alarm goes off that was not on before."""
        if not self.can_go_back:
            return
        end = time.monotonic() + self.seconds
        print(f"Watching the error alarms for {self.seconds / 60:.0f} minutes")
        while not (new := (on := self.on()) - self.before):
            if time.monotonic() > end:
                return
            self.before &= on  # an alarm that ended and goes off again is caused by the new code
            time.sleep(self.pause)
        self.go_back(f"{', '.join(sorted(new))} went off")

    def go_back(self, why: str) -> NoReturn:
        print(f"{why}: rolling back")
        self.site.roll_back()
        raise DeployError(f"{why}; the previous code was restored")
