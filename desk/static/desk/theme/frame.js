// Opens and closes the bar at the side on small screens, and the menus of the header.
'use strict';
document.addEventListener('DOMContentLoaded', function () {
    const navigation = document.getElementById('navigation');
    const navigationSwitch = document.getElementById('navigation-switch');

    function showNavigation(isOpen) {
        navigation.classList.toggle('is-open', isOpen);
        navigationSwitch.setAttribute('aria-expanded', String(isOpen));
    }

    function isNavigationOpen() {
        return navigation !== null && navigation.classList.contains('is-open');
    }

    if (navigation && navigationSwitch) {
        navigationSwitch.addEventListener('click', function () {
            showNavigation(!isNavigationOpen());
            if (isNavigationOpen()) {
                (navigation.querySelector('[aria-current]') || navigation.querySelector('a')).focus();
            }
        });
    }

    function closeElsewhere(target) {
        document.querySelectorAll('details.menu[open]').forEach(function (menu) {
            if (!menu.contains(target)) {
                menu.open = false;
            }
        });
        if (isNavigationOpen() && !navigation.contains(target) && !navigationSwitch.contains(target)) {
            showNavigation(false);
        }
    }

    document.addEventListener('click', event => closeElsewhere(event.target));
    document.addEventListener('focusin', event => closeElsewhere(event.target));
    document.addEventListener('keydown', function (event) {
        if (event.key !== 'Escape') {
            return;
        }
        const menu = document.querySelector('details.menu[open]');
        if (menu) {
            menu.open = false;
            menu.querySelector('summary').focus();
        } else if (isNavigationOpen()) {
            showNavigation(false);
            navigationSwitch.focus();
        }
    });
});
