//! The known bots.

use std::sync::LazyLock;

/// Does a known name stand anywhere in this user agent, letter case aside?
pub(super) fn is_known(agent: &str) -> bool {
    let agent = agent.as_bytes();
    agent.windows(3).enumerate().any(|(at, start)| {
        // Nearly every place is ruled out by its first three bytes.
        BEGINNINGS.contains(start) && agent.get(at..).is_some_and(begins_with_name)
    })
}

fn begins_with_name(agent: &[u8]) -> bool {
    let Some(first) = agent.first().map(u8::to_ascii_lowercase) else { return false };
    BOTS.iter()
        .map(|name| name.as_bytes())
        .filter(|name| name.first() == Some(&first))
        .any(|name| agent.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

/// The first three bytes of all names, five bits of each: letter case falls away,
/// and so do some differences, hence what is found must be looked at.
static BEGINNINGS: LazyLock<Beginnings> = LazyLock::new(|| {
    let mut found = Beginnings([0; 512]);
    for name in BOTS {
        let (word, bit) = Beginnings::place(name.as_bytes());
        if let Some(word) = found.0.get_mut(word) {
            *word |= bit;
        }
    }
    found
});

struct Beginnings([u64; 512]);

impl Beginnings {
    fn contains(&self, start: &[u8]) -> bool {
        let (word, bit) = Self::place(start);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(start: &[u8]) -> (usize, u64) {
        let bits = start.iter().take(3).fold(0, |bits, byte| (bits << 5) | usize::from(byte & 31));
        (bits / 64, 1 << (bits % 64))
    }
}

/// What stands in the user agents of programs that fetch pages by themselves:
/// crawlers, and the servers that make previews of links in chats and feeds.
///
/// Compared without letter case, anywhere in the agent; at least three bytes. Names that also stand in
/// the browsers inside apps (`Pinterest`, `Snapchat`, `FBAN`) are not in here:
/// behind those are people. Neither are general HTTP clients (`curl`,
/// `python-requests`) and headless browsers, behind which is often the host's own code.
pub(super) const BOTS: &[&str] = &[
    // What well-behaved bots have in common: an address to read about them, and their kind.
    "+http",
    "crawler",
    "spider",
    // Previews of links
    "bitlybot",
    "discordbot",
    "embedly",
    "facebookcatalog",
    "facebookexternalhit",
    "facebot",
    "google-pagerenderer",
    "google-read-aloud",
    "googleimageproxy",
    "iframely",
    "linkedinbot",
    "mastodon/",
    "meta-externalagent",
    "meta-externalfetcher",
    "misskey/",
    "nextcloud server crawler",
    "outbrain",
    "pinterestbot",
    "pleroma ",
    "qwantify",
    "redditbot",
    "rocket.chat",
    "skypeuripreview",
    "slack-imgproxy",
    "slackbot",
    "snap url preview service",
    "telegrambot",
    "tumblr/",
    "twitterbot",
    "viberbot",
    "vkshare",
    "whatsapp/",
    "xing-contenttabreceiver",
    // Search engines and archives
    "adsbot-google",
    "apis-google",
    "applebot",
    "archive.org_bot",
    "baiduspider",
    "bingbot",
    "bingpreview",
    "coccocbot",
    "duckduckbot",
    "exabot",
    "feedfetcher-google",
    "google-extended",
    "google-inspectiontool",
    "google-site-verification",
    "googlebot",
    "googleother",
    "heritrix",
    "ia_archiver",
    "mediapartners-google",
    "mojeekbot",
    "msnbot",
    "naverbot",
    "petalbot",
    "seznambot",
    "sogou",
    "storebot-google",
    "yandexbot",
    "yandex.com/bots",
    "yeti/",
    // Language models
    "amazonbot",
    "anthropic-ai",
    "bytespider",
    "ccbot",
    "chatgpt-user",
    "claude-searchbot",
    "claude-user",
    "claudebot",
    "cohere-ai",
    "diffbot",
    "gptbot",
    "oai-searchbot",
    "perplexity-user",
    "perplexitybot",
    "timpibot",
    "youbot",
    // Site analysis and monitoring
    "ahrefsbot",
    "barkrowler",
    "blexbot",
    "chrome-lighthouse",
    "datadogsynthetics",
    "dataforseobot",
    "dotbot",
    "gtmetrix",
    "mj12bot",
    "pingdom",
    "rogerbot",
    "screaming frog",
    "semrushbot",
    "serpstatbot",
    "site24x7",
    "statuscake",
    "uptimerobot",
    "w3c_validator",
];
