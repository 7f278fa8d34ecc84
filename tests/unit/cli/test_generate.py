"""Files generated from the catalogue."""

import json

import pytest
import typer

from services.cli import generate as command
from services.cli.generate import BEGIN, END, PAGES, ROOT, expected, remarks_json, with_table
from services.grader.core.catalogue import GRADERS


def test_generated_files_are_up_to_date() -> None:
    for path, text in expected(ROOT):
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run dnstats generate"


@pytest.mark.parametrize("name", GRADERS)
def test_every_grader_has_a_page_with_its_table(name: str) -> None:
    page = (ROOT / PAGES / f"{name}.md").read_text("utf-8")
    assert BEGIN in page
    for kind in GRADERS[name].kinds:
        assert f"| {kind.number} | {kind.tag} |" in page


def test_remarks_json_has_every_kind() -> None:
    graders = json.loads(remarks_json())["graders"]
    assert {name: len(entry["kinds"]) for name, entry in graders.items()} == {
        name: len(grader.kinds) for name, grader in GRADERS.items()
    }


def test_only_the_part_between_the_markers_changes() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    changed = with_table(page, GRADERS["spf"])
    assert changed.startswith(f"before\n{BEGIN}\n| no. |")
    assert changed.endswith(f"|\n{END}\nafter\n")
    assert with_table(changed, GRADERS["spf"]) == changed
    assert with_table("no markers", GRADERS["spf"]) == "no markers"


def test_check_names_what_is_stale(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ROOT.__class__(str(tmp_path))
    monkeypatch.setattr(command, "ROOT", root)
    (root / "schemas").mkdir()
    with pytest.raises(typer.Exit) as stopped:
        command.generate(check=True)
    assert stopped.value.exit_code == 1
    assert "schemas/remarks.json is stale" in capsys.readouterr().err
    assert not (root / "schemas/remarks.json").exists()
    command.generate(check=False)
    with pytest.raises(typer.Exit) as stopped:
        command.generate(check=True)
    assert stopped.value.exit_code == 0
