"""The plugin beside other plugins and odd hosts, in processes of their own."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("no_keys")


def test_a_host_that_uses_the_base_url_fixture_keeps_it(pytester: pytest.Pytester, endpoints: Any) -> None:
    url = endpoints().url
    pytester.makepyfile(test_own=f"def test_own(base_url):\n    assert base_url == {url!r}\n")
    result = pytester.runpytest_subprocess(f"--base-url={url}", "test_own.py")
    result.assert_outcomes(passed=1)


def test_a_hosts_base_url_fixture_does_not_retarget_the_suite(
    pytester: pytest.Pytester, endpoints: Any
) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def base_url():
            return "http://127.0.0.1:1/elsewhere"
        """
    )
    endpoint = endpoints()
    result = pytester.runpytest_subprocess(f"--base-url={endpoint.url}", "-k", "models.list.id")
    assert result.ret == 0
    assert endpoint.seen == [("GET", "/v1/models")]


def test_a_host_may_silence_the_terminal_and_the_cache(pytester: pytest.Pytester, endpoints: Any) -> None:
    arguments = ("-p", "no:terminal", "-p", "no:cacheprovider", "-k", "models.list.id")
    assert pytester.runpytest_subprocess(f"--base-url={endpoints().url}", *arguments).ret == 0


def test_stopping_at_the_first_finding_reports_what_was_judged(
    pytester: pytest.Pytester, endpoints: Any
) -> None:
    bare = endpoints.answer({"data": [{"id": "m-1"}]})
    endpoint = endpoints({("GET", "/v1/models"): bare})
    result = pytester.runpytest_subprocess(f"--base-url={endpoint.url}", "-x", "-k", "models.list")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1


def test_a_project_whose_collection_breaks_is_told_so(pytester: pytest.Pytester, endpoints: Any) -> None:
    pytester.makepyfile(test_own="import no_such_module\n")
    endpoint = endpoints()
    arguments = ("--pyargs", "wiremark_conformance", "test_own.py")
    result = pytester.runpytest_subprocess(f"--base-url={endpoint.url}", *arguments)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert len(endpoint.seen) == 1
