//! The line that calls go out by, made anew when a setting about it changes.

use super::transport::{Line, Settings};
use crate::guc;
use std::path::PathBuf;

/// The line in use.
#[derive(Default)]
pub struct Lines {
    made: Option<(Settings, Line)>,
}

impl Lines {
    /// A line with the settings that are in force.
    ///
    /// # Errors
    /// When they cannot be used; asked again, it tries again.
    pub fn line(&mut self) -> Result<Line, String> {
        let settings = Settings {
            ca_file: guc::ca_file().map(PathBuf::from),
            proxy: guc::http_proxy(),
            timeout: guc::http_timeout(),
        };
        if let Some((known, line)) = &self.made
            && *known == settings
        {
            return Ok(line.clone());
        }
        let line = Line::new(&settings)?;
        self.made = Some((settings, line.clone()));
        Ok(line)
    }
}
