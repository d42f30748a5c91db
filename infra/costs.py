"""What the system costs a month, from stated prices and a stated workload.

    python -m infra.costs

prints the tables of docs/deploy.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

HOURS = 730  # of a month

# US dollars, list prices of eu-west-1, first tier. Free allowances are left out unless a row says so.
PRICES = {
    "lambda_request": 0.20 / 1e6,
    "lambda_gb_second": 0.0000166667,
    "api_request": 3.50 / 1e6,
    "s3_put": 0.005 / 1e3,
    "s3_get": 0.0004 / 1e3,
    "s3_gb_month": 0.023,
    "cloudfront_gb": 0.085,
    "cloudfront_request": 0.012 / 1e4,
    "dynamodb_write": 0.705 / 1e6,
    "dynamodb_read": 0.1415 / 1e6,
    "log_gb": 0.57,
    "custom_metric": 0.30,
    "alarm": 0.10,
    "aurora_acu_hour": 0.14,
    "aurora_gb_month": 0.11,
    "endpoint_hour": 0.011,
    "nat_hour": 0.048,
    "hosted_zone": 0.50,
    "firewall_month": 5 + 2 * 1,
    "firewall_request": 0.60 / 1e6,
}


@dataclass(frozen=True)
class Workload:
    """What one image takes: 4 MB in, two outputs of 0.6 MB and a thumbnail out, kept for a day and a night."""

    worker_seconds: float = 2.5
    worker_gb: float = 3008 / 1024
    page_requests: float = 6  # its share of submitting, polling and looking
    page_seconds: float = 0.08
    page_gb: float = 1.0
    s3_puts: float = 4
    s3_gets: float = 3
    gb_in: float = 0.004
    gb_out: float = 0.0013
    days_kept: float = 2
    metadata_writes: float = 3
    metadata_reads: float = 2
    log_gb: float = 0.000004


# Hours a day that Aurora is awake, and at what size; the hourly sweep alone wakes it for 24 times five minutes.
AWAKE = {1_000: (4, 0.5), 100_000: (14, 0.75), 1_000_000: (24, 2.0)}

ALARMS, CUSTOM_METRICS, ENDPOINTS = 22, 25, 3


def rows(images: int) -> dict[str, float]:
    """Return US dollars a month by part, for so many images a month, with the database outside."""
    work, price = Workload(), PRICES
    requests = images * work.page_requests
    return {
        "Lambda, conversions": images
        * (work.worker_seconds * work.worker_gb * price["lambda_gb_second"] + price["lambda_request"]),
        "Lambda, pages and API": requests
        * (work.page_seconds * work.page_gb * price["lambda_gb_second"] + price["lambda_request"]),
        "API Gateway": requests * price["api_request"],
        "S3": images
        * (
            work.s3_puts * price["s3_put"]
            + work.s3_gets * price["s3_get"]
            + (work.gb_in + work.gb_out) * work.days_kept / 30 * price["s3_gb_month"]
        ),
        "CloudFront": images * work.gb_out * price["cloudfront_gb"]
        + (requests + 2 * images) * price["cloudfront_request"],
        "DynamoDB": images
        * (work.metadata_writes * price["dynamodb_write"] + work.metadata_reads * price["dynamodb_read"]),
        "CloudWatch": images * work.log_gb * price["log_gb"]
        + (ALARMS - 10) * price["alarm"]
        + (CUSTOM_METRICS - 10) * price["custom_metric"],
        "Route 53 zone": price["hosted_zone"],
    }


def database(images: int) -> dict[str, float]:
    """Return what `database_mode = "aurora"` adds."""
    hours, acu = AWAKE[images]
    return {
        "Aurora, awake": hours * 365 / 12 * acu * PRICES["aurora_acu_hour"],
        "Aurora, storage": (2 + images * 10e-6) * PRICES["aurora_gb_month"],
        "Interface endpoints": ENDPOINTS * HOURS * PRICES["endpoint_hour"],
    }


def switches(images: int) -> dict[str, float]:
    requests = images * (Workload().page_requests + 2)
    return {
        "`firewall`": PRICES["firewall_month"] + requests * PRICES["firewall_request"],
        "`outbound_internet`": HOURS * PRICES["nat_hour"],
    }


def usd(amount: float) -> str:
    return f"{amount:,.2f}"


def table() -> str:
    """Return the cost table of docs/deploy.md."""
    volumes = list(AWAKE)
    lines = [
        f"| USD a month | {' | '.join(f'{volume:,} images' for volume in volumes)} |",
        "| --- | ---: | ---: | ---: |",
    ]

    def line(name: str, amounts: list[float]) -> None:
        lines.append(f"| {name} | {' | '.join(usd(amount) for amount in amounts)} |")

    outside, inside = [rows(volume) for volume in volumes], [database(volume) for volume in volumes]
    for name in outside[0]:
        line(name, [column[name] for column in outside])
    totals = [sum(column.values()) for column in outside]
    line("**All, with an external database**", totals)
    for name in inside[0]:
        line(name, [column[name] for column in inside])
    line(
        "**All, with Aurora**",
        [total + sum(column.values()) for total, column in zip(totals, inside, strict=True)],
    )
    for name in switches(volumes[0]):
        line(f"{name} adds", [switches(volume)[name] for volume in volumes])
    return "\n".join(lines)


def price_table() -> str:
    """Return the prices that the costs are computed from."""
    lines = ["| price | USD |", "| --- | ---: |"]
    for name, price in PRICES.items():
        digits = f"{price:.10f}".rstrip("0").rstrip(".")
        lines.append(f"| {name.replace('_', ' ')} | {digits} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n\n{price_table()}\n")
