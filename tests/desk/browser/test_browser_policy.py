"""The content security policy of the pages: what they may load and run."""

from playwright.sync_api import expect

from tests.support.browsing import Practice, Staff, Windows, all_pages


def test_no_page_violates_its_policy(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff())
    for path in all_pages(practice):
        response = page.goto(path, wait_until="load")
        assert response is not None
        assert response.status == 200, path
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert not window.errors, "\n".join(window.errors)


def test_an_injected_script_does_not_run(staff: Staff, practice: Practice, window: Windows) -> None:
    page = window(staff(), practice.account_page)
    page.evaluate("""() => new Promise(resolve => {
        document.addEventListener('securitypolicyviolation', resolve, {once: true});
        const script = document.createElement('script');
        script.textContent = "document.title = 'broken'";
        document.body.append(script);
    })""")
    expect(page).not_to_have_title("broken")
    window.expect_error("Content Security Policy")


def test_the_api_documentation_works_with_its_own_policy(staff: Staff, window: Windows) -> None:
    page = window.open_logged_out(staff().url)
    response = page.goto("/v2/docs")
    assert response is not None
    assert "unsafe" not in response.headers["content-security-policy"]
    expect(page.get_by_text("/accounts/{ACCOUNT_ID}/vmboxes").first).to_be_visible()
    about = page.locator("#operations-Reference-getAbout")
    about.click()
    about.get_by_role("button", name="Try it out").click()
    about.get_by_role("button", name="Execute").click()
    expect(about.locator(".live-responses-table")).to_contain_text('"name": "vmboxes"')
