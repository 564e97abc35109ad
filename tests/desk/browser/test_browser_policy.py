"""What the pages may load and run: their content security policy."""

from playwright.sync_api import expect

from tests.support.browsing import Practice, Staff, Windows, pages


def test_no_page_violates_its_policy(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff())
    for path in pages(practice):
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        assert answer.status == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert not window.troubles, "\n".join(window.troubles)


def test_an_injected_script_does_not_run(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff(), practice.account_page)
    page.evaluate("""() => new Promise(done => {
        document.addEventListener('securitypolicyviolation', done, {once: true});
        const script = document.createElement('script');
        script.textContent = "document.title = 'broken'";
        document.body.append(script);
    })""")
    expect(page).not_to_have_title("broken")
    window.forgive("Content Security Policy")


def test_the_api_documentation_works_with_its_own_policy(staff: Staff, window: Windows) -> None:
    page = window.empty(staff().url)
    answer = page.goto("/v2/docs")
    assert answer is not None
    assert "unsafe" not in answer.headers["content-security-policy"]
    expect(page.get_by_text("/accounts/{ACCOUNT_ID}/vmboxes").first).to_be_visible()
    about = page.locator("#operations-Reference-getAbout")
    about.click()
    about.get_by_role("button", name="Try it out").click()
    about.get_by_role("button", name="Execute").click()
    expect(about.locator(".live-responses-table")).to_contain_text('"name": "vmboxes"')
