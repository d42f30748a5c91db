"""Watch the site and its alarms of errors after new code is deployed, and bring the previous code back if they say so.

Traffic is not shifted in steps: Zappa's API and the bucket's notification call the function itself, and an alias would
have to be put between both on every update. New code takes all requests at once, for as long as it takes to notice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NoReturn

from infra.deployment import Deployment
from infra.errors import DeployError

ALARMS = ("web-errors", "web-server-errors", "api-errors", "worker-errors")
WAKING = 60  # seconds; a paused database takes 15 of them
MINUTES = 10  # the alarms look at five minutes, and CloudWatch takes one or two to see them


@dataclass
class Watch:
    site: Deployment
    seconds: float = MINUTES * 60
    pause: float = 15
    before: set[str] = field(default_factory=set)
    can_go_back: bool = False
    answered: bool = False

    def note(self) -> None:
        """Note before the deploy what is wrong already: the new code may be what ends it."""
        self.before = self.on()
        self.can_go_back = self.site.has_function("production")
        self.answered = self.can_go_back and self.site.status_within(WAKING) == 200

    def wait_for_answer(self) -> None:
        """Raise DeployError, with the previous code back, when a site that answered before no longer does."""
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
        """Raise DeployError, with the previous code back, when an alarm goes off that was off before."""
        if not self.can_go_back:
            return
        end = time.monotonic() + self.seconds
        print(f"Watching the alarms of errors for {self.seconds / 60:.0f} minutes")
        while not (new := (on := self.on()) - self.before):
            if time.monotonic() > end:
                return
            self.before &= on  # one that has ended and goes off again is the new code's
            time.sleep(self.pause)
        self.go_back(f"{', '.join(sorted(new))} went off")

    def go_back(self, why: str) -> NoReturn:
        print(f"{why}: going back")
        self.site.roll_back()
        raise DeployError(f"{why}, and the previous code is back")
