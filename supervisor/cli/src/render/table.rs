//! Aligned columns without lines: readable on a terminal, and easy to cut and grep elsewhere.

use std::io;

use super::{Screen, Style, tame};

/// Space between columns.
const GAP: usize = 2;

/// Rows of cells under headings.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<(String, Style)>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; cells beyond the headings have none.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = (String, Style)>) {
        self.rows.push(cells.into_iter().map(|(text, style)| (tame(&text), style)).collect());
    }

    /// Prints it.
    pub(crate) fn print(&self, screen: &mut Screen) -> io::Result<()> {
        let headings: Vec<(String, Style)> =
            self.headings.iter().map(|heading| ((*heading).to_owned(), Style::Bold)).collect();
        let headed = self.headings.iter().any(|heading| !heading.is_empty());
        let rows: Vec<_> = headed.then_some(&headings).into_iter().chain(&self.rows).collect();
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| text.chars().count()).max()
            })
            .map(|width| width.unwrap_or(0))
            .collect();
        for row in rows {
            screen.line(line(screen, row, &widths))?;
        }
        Ok(())
    }
}

fn line(screen: &Screen, row: &[(String, Style)], widths: &[usize]) -> String {
    let mut line = String::new();
    let last = row.iter().rposition(|(text, _)| !text.is_empty()).map_or(0, |last| last + 1);
    for (column, (text, style)) in row.iter().take(last).enumerate() {
        line.push_str(&screen.paint(*style, text));
        if column + 1 < last {
            let missing = widths.get(column).map_or(0, |width| width.saturating_sub(text.chars().count()));
            line.extend(std::iter::repeat_n(' ', missing + GAP));
        }
    }
    line
}
