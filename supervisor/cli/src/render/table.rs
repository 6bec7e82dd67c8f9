//! Aligned columns without lines: readable on a terminal, however narrow, and easy to cut and grep elsewhere.

use std::io;

use super::{Screen, Style};
use crate::tame::tame;

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

    /// Prints it: a line a row where the screen has room, or no width that is known; else each row as a few short lines.
    pub(crate) fn print(&self, screen: &mut Screen) -> io::Result<()> {
        let headings: Vec<(String, Style)> =
            self.headings.iter().map(|heading| ((*heading).to_owned(), Style::Bold)).collect();
        let headed = self.headings.iter().any(|heading| !heading.is_empty());
        let rows: Vec<_> = headed.then_some(&headings).into_iter().chain(&self.rows).collect();
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| width(text)).max())
            .map(|width| width.unwrap_or(0))
            .collect();
        let before_the_last: usize = widths.iter().rev().skip(1).map(|width| width + GAP).sum();
        let Some(room) = screen.width().filter(|room| before_the_last + widths.last().unwrap_or(&0) > *room)
        else {
            for row in rows {
                screen.line(line(screen, row, &widths))?;
            }
            return Ok(());
        };
        if before_the_last + LEAST <= room {
            return rows.into_iter().try_for_each(|row| wrapped(screen, row, &widths, room));
        }
        self.rows.iter().try_for_each(|row| self.folded(screen, row, room))
    }

    /// The first cells that fit stand on a line, the others below them, with their headings.
    fn folded(&self, screen: &mut Screen, row: &[(String, Style)], room: usize) -> io::Result<()> {
        let mut used = 0;
        let first = row.iter().take_while(|(text, _)| {
            used += width(text) + GAP;
            used <= room
        });
        let first = first.count().clamp(1, FIRST);
        screen.line(line(screen, &row[..first], &[]))?;
        for ((text, style), heading) in row.iter().zip(&self.headings).skip(first) {
            if !text.is_empty() && text != "-" {
                let label = format!("  {}", heading.to_lowercase());
                let cells = [(label.clone(), Style::Dim), (text.clone(), *style)];
                wrapped(screen, &cells, &[LABEL.max(width(&label)), 0], room)?;
            }
        }
        Ok(())
    }
}

/// The least room for a last column that is wrapped.
const LEAST: usize = 24;
/// Cells of the first line of a row that is folded: what it is, and how it is.
const FIRST: usize = 4;
/// The width of the headings below it.
const LABEL: usize = 10;

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A row whose last cell goes on below itself. A word that is too long for a line stays whole: it may be a path.
fn wrapped(screen: &mut Screen, row: &[(String, Style)], widths: &[usize], room: usize) -> io::Result<()> {
    let Some(((text, style), before)) = row.split_last() else { return Ok(()) };
    let indent: usize = widths.iter().take(before.len()).map(|width| width + GAP).sum();
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last().map_or(0, |line| width(line));
        if last > 0 && indent + last + 1 + width(word) > room {
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            if last > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    for (number, text) in lines.into_iter().enumerate() {
        if number == 0 {
            let cells: Vec<_> = before.iter().cloned().chain([(text, *style)]).collect();
            screen.line(line(screen, &cells, widths))?;
        } else {
            screen.line(format!("{}{}", " ".repeat(indent), screen.paint(*style, &text)))?;
        }
    }
    Ok(())
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
