import pytest

from common import registry


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose modules cannot be imported."""
    package = tmp_path / "house" / "rooms"
    package.mkdir(parents=True)
    for name in ("__init__", "_private", "base", "kitchen", "attic"):
        (package / f"{name}.py").write_text("import no_such_module\n")
    (package / "notes.txt").write_text("")
    (package / "kitchen.py").write_text(
        "import no_such_module\n"
        "SIZES: tuple = (4, (8, 16))\n"
        "TABLE = {'one': no_such_module.f, 'two': 2}\n"
        "LIST = [1]\n"
    )
    monkeypatch.setattr(registry, "ROOT", tmp_path)


@pytest.mark.usefixtures("project")
def test_modules_are_found_by_file_name():
    assert registry.module_names("house.rooms") == ("attic", "base", "kitchen")
    assert registry.module_names("house.rooms", exclude=["base"]) == ("attic", "kitchen")


@pytest.mark.usefixtures("project")
def test_literals_and_tables_are_read_without_importing():
    assert registry.constant("house.rooms.kitchen", "SIZES") == (4, (8, 16))
    assert registry.constant("house.rooms.kitchen", "OTHER") is None
    assert registry.table_keys("house.rooms.kitchen", "TABLE") == ("one", "two")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("table", ["LIST", "OTHER"])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(LookupError, match=f"house.rooms.kitchen has no dictionary {table}"):
        registry.table_keys("house.rooms.kitchen", table)


def test_the_names_of_this_project():
    assert "dcgan" in registry.module_names("gan.networks")
    assert "hinge" in registry.table_keys("common.losses.adversarial", "ADVERSARIAL")


def test_the_nearest_names_are_suggested():
    assert registry.did_you_mean("hing", ["hinge", "minimax"]) == "; did you mean hinge?"
    assert registry.did_you_mean("zzz", ["hinge"]) == ""
    assert registry.did_you_mean("17", [8, 16]) == "; did you mean 16?"
