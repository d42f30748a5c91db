"""What `make preflight` finds before anything is created."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import moto
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from infra.errors import DeployError
from infra.preflight import Preflight, settings_of
from tests.cloud.interpreter import lambda_python
from tests.infra.test_deploy import PYTHON, make_function

pytestmark = pytest.mark.long

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with moto.mock_aws():
        yield


def preflight(
    limit: int = 1000,
    project: str = "imagesite",
    region: str = "eu-west-1",
    others: int = 0,  # concurrency that the account's functions have reserved
    plan: str = "PAID",
    **settings: str,
) -> Preflight:
    def aws(service: str) -> Any:
        client = boto3.client(service, region_name="eu-west-1")  # type: ignore[call-overload]
        if service == "lambda":
            limits = {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit - others}
            client.get_account_settings = lambda: {"AccountLimit": limits}
        if service == "sesv2":
            client.get_account = lambda: {"ProductionAccessEnabled": False}
        if service == "freetier":
            with_plan(client, plan)
        return client

    return Preflight(project, region, settings, aws, PYTHON)


def with_plan(client: Any, plan: str) -> None:
    """Let an account answer with this plan or error, in the form that botocore's description demands."""
    stubber = Stubber(client)
    if plan in ("FREE", "PAID"):
        state = {"accountId": "123456789012", "accountPlanType": plan, "accountPlanStatus": "ACTIVE"}
        stubber.add_response("get_account_plan_state", state)
    else:
        stubber.add_client_error("get_account_plan_state", plan)
    stubber.activate()


def test_a_complete_account_is_ready(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Preflight, "python", lambda self: self.interpreter)
    monkeypatch.setattr(Preflight, "terraform", lambda self: "1.11.4")
    preflight().run()
    assert "problem" not in capsys.readouterr().out


@pytest.mark.parametrize("limit", [10, 119])
def test_an_account_too_small_for_the_reservation_is_refused_before_anything_is_created(limit: int) -> None:
    with pytest.raises(DeployError, match="worker_concurrency = null in infra/imagesite.tfvars"):
        preflight(limit).concurrency()


def test_reservations_of_other_functions_count_and_ours_do_not_count_twice() -> None:
    assert preflight(others=880).concurrency()
    with pytest.raises(DeployError, match="would leave 99 of the account's 1000"):
        preflight(others=881).concurrency()
    make_function("imagesite-production-worker")
    boto3.client("lambda", region_name="eu-west-1").put_function_concurrency(
        FunctionName="imagesite-production-worker", ReservedConcurrentExecutions=20
    )
    assert preflight(others=900).concurrency()


def test_without_a_reservation_a_quota_of_ten_is_enough() -> None:
    assert preflight(10, worker_concurrency="null").concurrency() == "10 at once, 0 reserved"


@pytest.mark.parametrize("name", ["imagesite-eu-west", "My.Site", "a", "site-", "1site"])
def test_a_name_that_aws_would_reject_is_refused(name: str) -> None:
    with pytest.raises(DeployError, match="2 to 16"):
        preflight(project=name).name()


def test_a_name_of_sixteen_letters_is_accepted() -> None:
    assert preflight(project="imagesite-eu-one").name()


@pytest.mark.slow
@pytest.mark.system
def test_a_supported_python_is_accepted() -> None:
    ready = preflight()
    ready.interpreter = lambda_python()
    assert ready.python().startswith("Python 3.1")


def test_a_python_that_lambda_runs_on_an_old_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = preflight()
    refusal = Mock(returncode=1, stderr="No package: Install Python 3.13 or 3.12")
    monkeypatch.setattr("infra.preflight.subprocess.run", lambda *a, **k: refusal)
    with pytest.raises(DeployError, match="Install Python"):
        ready.python()


def test_terraform_must_be_there_and_new_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = preflight()
    monkeypatch.setattr("infra.preflight.shutil.which", lambda name: None)
    with pytest.raises(DeployError, match="not installed"):
        ready.terraform()
    monkeypatch.setattr("infra.preflight.shutil.which", lambda name: name)
    monkeypatch.setattr(
        "infra.preflight.subprocess.run", lambda *a, **k: Mock(stdout='{"terraform_version": "1.9.8"}')
    )
    with pytest.raises(DeployError, match=r"1\.9\.8 is too old"):
        ready.terraform()


@pytest.mark.parametrize("region", ["mars-north-1", "us-gov-west-1", "cn-north-1"])
def test_a_region_without_a_service_or_of_another_partition_is_refused(region: str) -> None:
    with pytest.raises(DeployError, match=f"{region} has no apigateway"):
        preflight(region=region).offered()


def test_a_bucket_of_another_account_is_found() -> None:
    ready = preflight()
    assert ready.buckets() == "their names are free or belong to this site"
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket=f"imagesite-results-{ready.account}",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    assert ready.buckets() == "their names are free or belong to this site"
    forbidden = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")
    ready.aws = lambda service: Mock(head_bucket=Mock(side_effect=forbidden))
    with pytest.raises(DeployError, match="belongs to another account"):
        ready.buckets()


def test_a_project_in_another_region_is_reported() -> None:
    ready = preflight()
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=f"imagesite-state-{ready.account}")
    with pytest.raises(DeployError, match="is in us-east-1: imagesite is already deployed there"):
        ready.buckets()


def test_the_free_plan_is_refused_where_it_lacks_the_database() -> None:
    """New accounts may start on the free plan, where CreateDBCluster accepts the express configuration only, which
    has no private network: docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_GettingStartedAurora.AuroraPostgreSQL.ExpressConfig.html
    and ed-donner/alex#42.
    """
    with pytest.raises(DeployError, match="free plan"):
        preflight(plan="FREE").database()
    assert preflight(plan="PAID").database() == "aurora"
    assert preflight(plan="FREE", database_mode="external").database().startswith("external")


@pytest.mark.parametrize("error", ["ResourceNotFoundException", "AccessDeniedException"])
def test_an_account_without_a_visible_plan_is_accepted(error: str) -> None:
    assert preflight(plan=error).database() == "aurora"


def test_an_account_whose_plan_cannot_be_asked_for_is_accepted() -> None:
    """As behind a firewall for amazonaws.com: the only host is freetier.us-east-1.api.aws."""
    ready = preflight()
    unreachable = EndpointConnectionError(endpoint_url="https://freetier.us-east-1.api.aws")
    ready.aws = lambda service: Mock(get_account_plan_state=Mock(side_effect=unreachable))
    assert ready.database() == "aurora"


def test_a_domain_without_its_zone_is_refused() -> None:
    ready = preflight(domain_name="images.example.com", zone_name="example.com")
    route53 = boto3.client("route53")
    # Terraform's data source sees neither of the two.
    route53.create_hosted_zone(Name="shop.example.com", CallerReference="0")
    route53.create_hosted_zone(
        Name="example.com",
        CallerReference="1",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": "eu-west-1", "VPCId": "vpc-1"},
    )
    with pytest.raises(DeployError, match="no public hosted zone example.com"):
        ready.domain()
    route53.create_hosted_zone(Name="example.com", CallerReference="2")
    assert ready.domain() == "images.example.com"
    route53.create_hosted_zone(Name="example.com", CallerReference="3")
    with pytest.raises(DeployError, match="2 hosted zones example.com"):
        ready.domain()


def test_mail_from_the_sandbox_of_ses_is_refused() -> None:
    with pytest.raises(DeployError, match="Request production access"):
        preflight(mail_from="images@example.com").mail()


def test_closed_billing_is_reported_before_the_budget_is_created() -> None:
    """IAM users see no billing data, whatever their policies allow, until the root user opens it:
    docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/control-access-billing.html
    """
    ready = preflight(alarm_email="you@example.com")
    assert ready.budget() == "mails to you@example.com"
    refusal = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": "User: a is not authorized."}},
        "DescribeBudgets",
    )
    closed = Mock(describe_budgets=Mock(side_effect=refusal))
    usual = ready.aws
    ready.aws = lambda service: closed if service == "budgets" else usual(service)
    with pytest.raises(DeployError, match="not authorized. As the root user, open the billing data"):
        ready.budget()
    ready.settings["monthly_budget"] = "null"
    assert ready.budget() == "none"
    assert preflight().budget() == "none"


def test_an_existing_provider_for_github_is_reported() -> None:
    iam = boto3.client("iam")
    iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com",
        ThumbprintList=["0" * 40],
        ClientIDList=["sts.amazonaws.com"],
    )
    with pytest.raises(DeployError, match=f'github_provider_arn = "{PROVIDER}"'):
        preflight(github_repository="a/b").github()
    assert preflight(github_repository="a/b", github_provider_arn=PROVIDER).github() == "a/b"
    iam.tag_open_id_connect_provider(
        OpenIDConnectProviderArn=PROVIDER, Tags=[{"Key": "project", "Value": "imagesite"}]
    )
    assert preflight(github_repository="a/b").github() == "a/b"


def test_settings_are_read_as_terraform_reads_them(tmp_path: Path) -> None:
    shared, own = tmp_path / "terraform.tfvars", tmp_path / "live.tfvars"
    shared.write_text('alarm_email = "a@example.com" # who is told\nworker_concurrency = 50\n')
    own.write_text("worker_concurrency = null\nmonthly_budget = null\ndomain_name=null\nfirewall = true\n")
    assert settings_of(shared, own, tmp_path / "none") == {
        "alarm_email": "a@example.com",
        "worker_concurrency": "null",
        "monthly_budget": "null",
        "firewall": "true",
    }
