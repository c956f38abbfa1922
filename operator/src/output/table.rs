//! Aligned columns, as kubectl prints them.

/// Rows of text under a heading.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

/// Blanks between columns.
const GAP: usize = 3;

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// Adds a row; an empty cell prints as `-`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let dash = |cell: String| if cell.is_empty() { "-".to_owned() } else { cell };
        self.rows.push(cells.into_iter().map(dash).collect());
    }

    /// Whether there is nothing under the headings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The text, each line ended, no blanks at line ends.
    #[must_use]
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cell = |(cell, width): (&String, &usize)| format!("{cell:<pad$}", pad = width + GAP);
            let line: String = row.iter().zip(&widths).map(cell).collect();
            format!("{}\n", line.trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["A", "LONG", "C"]);
        assert!(table.is_empty());
        table.row(["a-long-one".to_owned(), String::new(), "x".to_owned()]);
        assert_eq!(table.render(), "A            LONG   C\na-long-one   -      x\n");
    }
}
