"""Which client libraries run on the user's own device, by the name they give in `context.library.name`.

Source: the libraries of Segment and RudderStack as of August 2026.
"""

BROWSER_LIBRARIES = frozenset({"analytics-next", "analytics.js", "RudderLabs JavaScript SDK"})
"""They run in a page."""
MOBILE_LIBRARIES = frozenset(
    {
        "@segment/analytics-react-native",
        "analytics-android",
        "analytics-flutter",
        "analytics-ios",
        "analytics-kotlin",
        "analytics-react-native",
        "analytics-swift",
        "analytics_flutter",
        "com.rudderstack.android.sdk.core",
        "rudder-android-library",
        "rudder-ios-library",
    }
)
"""They run in an app."""
