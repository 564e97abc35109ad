"""The names of views against the tree of their files."""

from couch_views import loader
from storage import view_names
from storage.view_names import View


def views_in_files() -> set[View]:
    return {
        View(doc_id.removeprefix("_design/"), name)
        for kind in loader.KINDS
        for doc_id, design in loader.design_documents(kind).items()
        for name in design["views"]
    }


def named_views() -> set[View]:
    return {value for value in vars(view_names).values() if isinstance(value, View)}


def test_every_named_view_has_its_file() -> None:
    assert named_views() <= views_in_files()


def test_every_view_of_our_own_is_named() -> None:
    unnamed = views_in_files() - named_views()
    assert {f"_design/{view.design}" for view in unnamed} <= loader.KAZOO_DOCUMENTS
