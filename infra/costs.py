"""Estimate the monthly costs of a site from list prices and an assumed workload.

    python -m infra.costs

prints the tables of docs/deploy.md.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

HOURS = 730  # per month

# US dollars, list prices of eu-west-1, first tier. Free allowances are left out unless a row says so.
PRICES = {
    "lambda_request": 0.20 / 1e6,
    "lambda_gb_second": 0.0000166667,
    "api_request": 3.50 / 1e6,
    "s3_put": 0.005 / 1e3,
    "s3_get": 0.0004 / 1e3,
    "s3_gb_month": 0.023,
    "cloudfront_gb": 0.085,
    "cloudfront_gb_in": 0.020,  # from the edge to the uploads bucket
    "cloudfront_request": 0.012 / 1e4,
    "dynamodb_write": 0.705 / 1e6,
    "dynamodb_read": 0.1415 / 1e6,
    "log_gb": 0.57,
    "custom_metric": 0.30,
    "alarm": 0.10,
    "cognito_user": 0.015,
    "mail": 0.10 / 1e3,
    "aurora_acu_hour": 0.14,
    "aurora_gb_month": 0.11,
    "aurora_io": 0.22 / 1e6,
    "endpoint_hour": 0.011,
    "endpoint_gb": 0.01,
    "nat_hour": 0.048,
    "nat_gb": 0.048,
    "public_ipv4_hour": 0.005,
    "rekognition_image": 0.001,
    "hosted_zone": 0.50,
    "trace": 5.00 / 1e6,
    "firewall_month": 5 + 2 * 1,
    "firewall_request": 0.60 / 1e6,
}


@dataclass(frozen=True)
class Workload:
    """The resources for one image: 4 MB in, two outputs of 0.6 MB and a thumbnail out, kept for 24 hours.

    For one image in ten, an API client waits for the result in the web function, as long as the worker takes.
    """

    worker_seconds: float = 2.5
    worker_gb: float = 3008 / 1024
    page_requests: float = 6  # its share of the requests to submit, poll and view
    page_seconds: float = 0.08
    page_gb: float = 1.0
    waits: float = 0.1
    wait_seconds: float = 4
    s3_puts: float = 4
    s3_gets: float = 3
    gb_in: float = 0.004
    gb_out: float = 0.0013
    days_kept: float = 2
    metadata_writes: float = 3
    metadata_reads: float = 2
    log_gb: float = 0.000004
    database_ios: float = 15
    endpoint_gb: float = 0.00002  # to Cognito, SSM and Lambda; the endpoints of S3 and DynamoDB are free
    webhook_gb: float = 0.000005
    images_per_user: float = 50
    mails_per_user: float = 0.2


VOLUMES = (0, 1_000, 100_000, 1_000_000)

# Hours per day that Aurora is awake, and its capacity units. The hourly sweep alone wakes it 24 × 5 minutes.
AWAKE = {0: (2, 0.5), 1_000: (4, 0.5), 100_000: (14, 0.75), 1_000_000: (24, 2.0)}

# A metric is charged for the hours in which it is sent. The maximum: 4 counts of conversions for 11 formats and
# in total, failures for some 15 codes and in total, 5 others, and 5 that are counted in the logs.
METRICS = 4 * 12 + 16 + 10
SENT = {0: 0.0, 1_000: 0.3, 100_000: 0.9, 1_000_000: 1.0}

ALARMS, SMALL_ALARMS, ENDPOINTS = 22, 10, 3
FREE_ALARMS = FREE_METRICS = 10
FREE_USERS = 10_000
CLOCK_SECONDS = 0.15


def rows(images: int, *, small: bool = False) -> dict[str, float]:
    """Return the costs of each part in US dollars a month, for this many images, with an external database.

    `small` is for `small = true`: ten alarms, and no domain.
    """
    work, price = Workload(), PRICES
    requests = images * work.page_requests
    second = price["lambda_gb_second"]
    alarms = SMALL_ALARMS if small else ALARMS
    users = images / work.images_per_user
    ticks = HOURS * 60
    parts = {
        "Lambda, conversions": images
        * (work.worker_seconds * work.worker_gb * second + price["lambda_request"]),
        "Lambda, the clock, every minute": ticks
        * (CLOCK_SECONDS * work.worker_gb * second + price["lambda_request"]),
        "Lambda, pages and API": requests
        * (work.page_seconds * work.page_gb * second + price["lambda_request"]),
        "Lambda, waiting for conversions": images * work.waits * work.wait_seconds * work.page_gb * second,
        "API Gateway": requests * price["api_request"],
        "S3": images
        * (
            work.s3_puts * price["s3_put"]
            + work.s3_gets * price["s3_get"]
            + (work.gb_in + work.gb_out) * work.days_kept / 30 * price["s3_gb_month"]
        ),
        "CloudFront": images * (work.gb_out * price["cloudfront_gb"] + work.gb_in * price["cloudfront_gb_in"])
        + (requests + 3 * images) * price["cloudfront_request"],
        "DynamoDB": images
        * (work.metadata_writes * price["dynamodb_write"] + work.metadata_reads * price["dynamodb_read"]),
        "Cognito and mail": max(0.0, users - FREE_USERS) * price["cognito_user"]
        + users * work.mails_per_user * price["mail"],
        "CloudWatch": images * work.log_gb * price["log_gb"]
        + max(0, alarms - FREE_ALARMS) * price["alarm"]
        + max(0.0, METRICS * SENT[images] - FREE_METRICS) * price["custom_metric"],
    }
    return parts if small else {**parts, "Route 53 zone": price["hosted_zone"]}


def database(images: int) -> dict[str, float]:
    """Return the additional costs of `database_mode = "aurora"`, where the clock runs hourly."""
    hours, acu = AWAKE[images]
    work = Workload()
    return {
        "Aurora, awake": hours * 365 / 12 * acu * PRICES["aurora_acu_hour"],
        "Aurora, storage and I/O": (2 + images * 10e-6) * PRICES["aurora_gb_month"]
        + images * work.database_ios * PRICES["aurora_io"],
        "Interface endpoints": ENDPOINTS * HOURS * PRICES["endpoint_hour"]
        + images * work.endpoint_gb * PRICES["endpoint_gb"],
    }


def switches(images: int) -> dict[str, float]:
    """Return the additional costs of each switch."""
    work = Workload()
    requests = images * (work.page_requests + 3)
    nat = HOURS * (PRICES["nat_hour"] + PRICES["public_ipv4_hour"])
    # To send webhooks on time, the clock runs every minute, which keeps Aurora awake.
    kept_awake = (24 - AWAKE[images][0]) * 365 / 12 * 0.5 * PRICES["aurora_acu_hour"]
    return {
        "`firewall`": PRICES["firewall_month"] + requests * PRICES["firewall_request"],
        "`outbound_internet`": nat + kept_awake + images * work.webhook_gb * PRICES["nat_gb"],
        "`high_availability`": database(images)["Aurora, awake"]
        + ENDPOINTS * HOURS * PRICES["endpoint_hour"],
        "`labels`": images * 2 * PRICES["rekognition_image"],
        "`tracing`": sum(traces(calls) for calls in (images * work.page_requests, images + HOURS * 60))
        * PRICES["trace"],
    }


def traces(calls: float) -> float:
    """Return how many of a month's calls X-Ray records: the first of each second, and 5 % of the others.

    docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
    """
    seconds = HOURS * 3600
    first = seconds * (1 - math.exp(-calls / seconds))
    return first + 0.05 * (calls - first)


def usd(amount: float) -> str:
    return f"{amount:,.2f}"


def table() -> str:
    """Return the cost table of docs/deploy.md."""
    lines = [
        f"| USD a month | {' | '.join(f'{volume:,} images' for volume in VOLUMES)} |",
        f"| --- |{' ---: |' * len(VOLUMES)}",
    ]

    def line(name: str, amounts: list[float]) -> None:
        lines.append(f"| {name} | {' | '.join(usd(amount) for amount in amounts)} |")

    outside, inside = [rows(volume) for volume in VOLUMES], [database(volume) for volume in VOLUMES]
    for name in outside[0]:
        line(name, [column[name] for column in outside])
    totals = [sum(column.values()) for column in outside]
    line("**All, with an external database**", totals)
    line("**The same with `small`**", [sum(rows(volume, small=True).values()) for volume in VOLUMES])
    for name in inside[0]:
        line(name, [column[name] for column in inside])
    line(
        "**All, with Aurora**",
        [total + sum(column.values()) for total, column in zip(totals, inside, strict=True)],
    )
    for name in switches(0):
        line(f"{name} adds", [switches(volume)[name] for volume in VOLUMES])
    return "\n".join(lines)


def price_table() -> str:
    """Return the table of the prices."""
    lines = ["| price | USD |", "| --- | ---: |"]
    for name, price in PRICES.items():
        digits = f"{price:.10f}".rstrip("0").rstrip(".")
        lines.append(f"| {name.replace('_', ' ')} | {digits} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n\n{price_table()}\n")
