"""Requirements as items: all of them, once, selectable, whatever the host has set."""

from __future__ import annotations

import pytest
import wiremark_conformance.session  # noqa: F401 - loaded once, for pytester forgets what its runs load
from wiremark_conformance import collect
from wiremark_conformance.requirement import load_register

pytestmark = pytest.mark.usefixtures("no_keys")

URL = "http://127.0.0.1:1/v1"  # --collect-only asks nobody
IDS = [requirement.id for requirement in load_register()]

HOST_SETTINGS = {
    "none": "",
    "other files": "python_files = spec_*.py",
    "all files": "python_files = *.py\npython_functions = *",
    "no recursion": "norecursedirs = register wiremark_conformance",
    "own tests": "testpaths = own",
    "strict": "addopts = --strict-markers --strict-config\nfilterwarnings = error\nxfail_strict = true",
    "importlib": "addopts = --import-mode=importlib",
}


def collected(pytester: pytest.Pytester, *args: str) -> list[str]:
    result = pytester.runpytest(f"--base-url={URL}", "--collect-only", "-q", *args)
    assert result.ret == 0
    return [line.rpartition("::")[2] for line in result.outlines if "::" in line]


@pytest.mark.parametrize("settings", HOST_SETTINGS.values(), ids=HOST_SETTINGS.keys())
@pytest.mark.parametrize("args", [(), ("--pyargs", "wiremark_conformance")], ids=["supplied", "named"])
def test_every_requirement_is_collected_once_under_any_host(
    pytester: pytest.Pytester, settings: str, args: tuple[str, ...]
) -> None:
    pytester.makeini(f"[pytest]\n{settings}\n")
    pytester.mkdir("own").joinpath("test_own.py").write_text("def test_own():\n    pass\n")
    pytester.makepyfile(spec_own="def test_own():\n    pass\n")
    found = collected(pytester, *args)
    assert sorted(found) == sorted(IDS)


def test_one_area_can_be_named_by_its_path(pytester: pytest.Pytester) -> None:
    found = collected(pytester, str(collect.REGISTER / "models.yaml"))
    assert found == [requirement.id for requirement in load_register() if requirement.area == "models"]


def test_one_requirement_can_be_named(pytester: pytest.Pytester) -> None:
    found = collected(pytester, f"{collect.REGISTER / 'chat-stream.yaml'}::chat.stream.done")
    assert found == ["chat.stream.done"]


def test_levels_areas_and_capabilities_are_markers(pytester: pytest.Pytester) -> None:
    wanted = {
        requirement.id
        for requirement in load_register()
        if {"must", "stream"} <= set(collect.markers(requirement))
        and "tools" not in collect.markers(requirement)
    }
    assert set(collected(pytester, "-m", "must and stream and not tools")) == wanted != set()


def test_ids_are_keywords(pytester: pytest.Pytester) -> None:
    assert set(collected(pytester, "-k", "chat.stream.d")) == {i for i in IDS if "chat.stream.d" in i}


def test_each_area_has_a_file_of_its_name() -> None:
    assert {path.stem for path in collect.REGISTER.glob("*.yaml")} == set(load_register().areas)


def test_the_hosts_conftest_and_fixtures_do_not_reach_the_items(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(autouse=True, scope="session")
        def base_url():
            raise RuntimeError("the host's own base_url")

        collect_ignore_glob = ["*"]
        """
    )
    assert sorted(collected(pytester)) == sorted(IDS)
