// SPDX-License-Identifier: MIT OR Apache-2.0
//! A browser for one test, with a directory of its own. It leaves nothing behind.

use std::{
    env,
    future::Future,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel, prelude::*};
use tokio::time::{Instant, sleep};

/// A browser starts slowly while others are running.
const PATIENCE: Duration = Duration::from_secs(120);

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// chromedriver; it is killed when the test ends.
struct Driver(Child);

impl Driver {
    /// Starts it and returns its address.
    fn start() -> (Self, String) {
        let program = env::var("GREET_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut child = Command::new(&program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("`{program}` cannot be started: {error}; install Debian's chromium-driver, or say in GREET_CHROMEDRIVER where it is")
            });
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let driver = Self(child);
        let mut ports = lines.map_while(Result::ok).filter_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = ports.next().expect("chromedriver says its port");
        (driver, format!("http://127.0.0.1:{port}"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

/// An open page.
#[derive(Clone)]
pub struct Page {
    pub driver: WebDriver,
}

/// Opens a report, runs the test on it, and checks the browser's log for errors.
pub fn browse<T: Future<Output = WebDriverResult<()>> + Send + 'static>(
    report: &Path,
    test: impl FnOnce(Page) -> T,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = TempDir::new().expect("a folder");
        let (_chromedriver, url) = Driver::start();
        let driver = WebDriver::new(&url, capabilities(folder.path()))
            .await
            .expect("chromium starts; install it, or say in GREET_CHROMIUM where it is");
        let page = Page {
            driver: driver.clone(),
        };
        page.open(report, "").await.expect("it opens");
        let ended = tokio::spawn(test(page.clone())).await;
        let errors = page.errors().await;
        driver.quit().await.expect("it ends");
        match ended {
            Ok(result) => result.expect("the browser does as it is told"),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
        assert_eq!(errors.expect("a log"), Vec::<String>::new());
    });
}

fn capabilities(folder: &Path) -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    let set = |capabilities: &mut ChromeCapabilities| -> WebDriverResult<()> {
        if let Ok(program) = env::var("GREET_CHROMIUM") {
            capabilities.set_binary(&program)?;
        }
        for flag in FLAGS {
            capabilities.add_arg(flag)?;
        }
        capabilities.add_arg(&format!("--user-data-dir={}", folder.display()))?;
        capabilities.set_logging_prefs("browser", LoggingPrefsLogLevel::All)
    };
    set(&mut capabilities).expect("capabilities");
    capabilities
}

impl Page {
    /// Opens a report and waits until it is drawn.
    pub async fn open(&self, report: &Path, hash: &str) -> WebDriverResult<()> {
        let path = report.canonicalize().expect("it is there");
        // Changing only the hash would not reload the page.
        self.driver.goto("about:blank").await?;
        self.driver
            .goto(format!("file://{}{hash}", path.display()))
            .await?;
        let drawn = "return document.documentElement.dataset.drawn !== undefined || !document.getElementById('trouble').hidden";
        self.until(drawn).await
    }

    /// Shows the exchange with this number, like a link to it when the page is already open.
    pub async fn choose(&self, number: usize) -> WebDriverResult<()> {
        self.ask(&format!("location.hash = '#x={number}'")).await?;
        self.until(&format!(
            "return document.getElementById('detail-title').textContent.startsWith('Exchange {number}:')"
        ))
        .await
    }

    /// Waits until a script returns true.
    pub async fn until(&self, script: &str) -> WebDriverResult<()> {
        let begin = Instant::now();
        while !self.ask(script).await?.as_bool().unwrap_or(false) {
            assert!(begin.elapsed() < PATIENCE, "never true: {script}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The result of a script.
    pub async fn ask(&self, script: &str) -> WebDriverResult<Value> {
        Ok(self
            .driver
            .execute(script, Vec::new())
            .await?
            .json()
            .clone())
    }

    /// The result of a script, as a number.
    pub async fn number(&self, script: &str) -> WebDriverResult<f64> {
        let found = self.ask(script).await?;
        Ok(found
            .as_f64()
            .unwrap_or_else(|| panic!("{script}: {found}")))
    }

    /// The text of the element with this ID.
    pub async fn text(&self, id: &str) -> WebDriverResult<String> {
        let script = format!("return document.getElementById('{id}').textContent");
        Ok(self
            .ask(&script)
            .await?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// A displayed number, without the spaces between thousands.
    pub async fn count(&self, id: &str) -> WebDriverResult<u64> {
        let text = self.text(id).await?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        Ok(digits.parse().unwrap_or_else(|_| panic!("{id}: {text}")))
    }

    /// Sends a command of the browser's own protocol.
    pub async fn tell(&self, command: &str, parameters: Value) -> WebDriverResult<Value> {
        self.driver.cdp().send_raw(command, parameters).await
    }

    /// Emulates a screen of this width, in px.
    pub async fn width(&self, width: u32) -> WebDriverResult<()> {
        let size =
            json!({"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": width < 500});
        self.tell("Emulation.setDeviceMetricsOverride", size)
            .await?;
        self.until(&format!("return innerWidth === {width}")).await
    }

    async fn errors(&self) -> WebDriverResult<Vec<String>> {
        let entries = self.driver.handle().browser_log().await?;
        Ok(entries.into_iter().map(|entry| entry.message).collect())
    }
}
