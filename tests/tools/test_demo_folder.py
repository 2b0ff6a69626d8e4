"""tools/demo --out: one folder with the app and its models, which can be filled again."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "lib"))
from run_demo import write_folder  # noqa: E402


def test_folder_holds_app_and_model(tmp_path: Path) -> None:
    app, model, folder = tmp_path / "app", tmp_path / "m.gguf", tmp_path / "new" / "folder"
    (app / "assets").mkdir(parents=True)
    (app / "index.html").write_text("old")
    (app / "assets" / "main.js").write_text("code")
    (app / "assets" / "main.js.map").write_text("map")
    model.write_bytes(b"GGUF")
    write_folder(folder, app, [model])
    (app / "index.html").write_text("new")
    write_folder(folder, app, [model])
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == ["README.txt", "assets/main.js", "index.html", "models/m.gguf"]
    assert (folder / "index.html").read_text() == "new"
