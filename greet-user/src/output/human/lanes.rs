// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two lanes and what is drawn between them.

use super::{
    line::{Line, cut, width},
    render::{Glyphs, PLAIN, RenderOptions, TO_KERNEL},
    rungs::{Arrow, Rung},
};

/// The state of the lanes.
#[derive(Clone, Copy, Default)]
pub(super) struct Lanes {
    /// The user's thread is in the kernel.
    inside: bool,
    /// The receive callback runs.
    busy: bool,
}

impl Lanes {
    /// Updates the lanes before a rung.
    pub(super) fn before(&mut self, rung: &Rung<'_>) {
        self.busy |= rung.stage == "handle";
    }

    /// Updates them after it.
    pub(super) fn after(&mut self, rung: &Rung<'_>) {
        match rung.stage {
            "send" => self.inside = true,
            "sent" => self.inside = false,
            "handled" => self.busy = false,
            _ => {}
        }
    }

    pub(super) const fn user(self, render: &RenderOptions) -> &'static str {
        let glyphs = render.glyphs();
        if self.inside {
            glyphs.inside
        } else {
            glyphs.lane
        }
    }

    pub(super) const fn kernel(self, render: &RenderOptions) -> &'static str {
        let glyphs = render.glyphs();
        if self.busy { glyphs.busy } else { glyphs.lane }
    }

    const fn origin(self, render: &RenderOptions) -> &'static str {
        let glyphs = render.glyphs();
        if self.busy {
            glyphs.from_busy
        } else {
            glyphs.from_kernel
        }
    }

    /// A rung from lane to lane, both included, with `columns` between them.
    pub(super) fn arrow(
        self,
        rung: &Rung<'_>,
        columns: usize,
        render: &RenderOptions,
        line: &mut Line<'_>,
    ) {
        let (glyphs, style) = (render.glyphs(), rung.style);
        let label = match rung.label.as_str() {
            "" => String::new(),
            label => format!(" {} ", cut(label, columns.saturating_sub(4), render)),
        };
        let (user, middle, kernel) = match rung.arrow {
            Arrow::Call | Arrow::ToKernel => (
                glyphs.from_user,
                forward("", &label, stroke(rung.arrow, glyphs), glyphs, columns),
                self.kernel(render),
            ),
            Arrow::Return | Arrow::ToUser => (
                glyphs.lane,
                back("", glyphs.left, &label, stroke(rung.arrow, glyphs), columns),
                self.origin(render),
            ),
            Arrow::IntoQueue(portid) => (
                self.user(render),
                into(portid, glyphs.left, &label, glyphs, columns),
                self.origin(render),
            ),
            Arrow::Lost(portid) => (
                self.user(render),
                into(portid, glyphs.lost, &label, glyphs, columns),
                self.origin(render),
            ),
            Arrow::OutOfQueue(portid) => (
                self.user(render),
                forward(&queues(portid)[0], "", glyphs.dash, glyphs, columns),
                self.kernel(render),
            ),
            Arrow::None => (
                self.user(render),
                format!("{:>columns$}", label),
                self.kernel(render),
            ),
        };
        let leaves_user = matches!(rung.arrow, Arrow::Call | Arrow::ToKernel);
        line.push(if leaves_user { style } else { PLAIN }, user);
        line.push(style, &middle);
        let is_lane = kernel == self.kernel(render);
        line.push(if is_lane { self.style() } else { style }, kernel);
    }

    /// The kernel's lane is coloured while the callback runs.
    pub(super) const fn style(self) -> anstyle::Style {
        if self.busy { TO_KERNEL } else { PLAIN }
    }
}

/// Messages are drawn solid, calls dashed.
const fn stroke(arrow: Arrow, glyphs: &Glyphs) -> &'static str {
    match arrow {
        Arrow::Call | Arrow::Return => glyphs.dash,
        _ => glyphs.line,
    }
}

/// An arrow to the right, labelled at its tail.
fn forward(from: &str, label: &str, stroke: &str, glyphs: &Glyphs, columns: usize) -> String {
    let begin = if label.is_empty() { 0 } else { 2 };
    let label = format!("{from}{}{label}", stroke.repeat(begin));
    let rest = columns.saturating_sub(width(&label) + 1);
    format!("{label}{}{}", stroke.repeat(rest), glyphs.right)
}

/// An arrow to the left, labelled at its tail.
fn back(to: &str, head: &str, label: &str, stroke: &str, columns: usize) -> String {
    let rest = columns.saturating_sub(width(to) + width(head) + width(label));
    let begin = rest.min(2);
    let (rest, begin) = (stroke.repeat(rest - begin), stroke.repeat(begin));
    format!("{to}{head}{rest}{label}{begin}")
}

/// An arrow into a port's receive queue, with the longest name that fits.
fn into(portid: u32, head: &str, label: &str, glyphs: &Glyphs, columns: usize) -> String {
    let least = width(head) + width(label) + 3;
    let queues = queues(portid);
    let fits = queues.iter().find(|queue| width(queue) + least <= columns);
    back(
        fits.map_or("", String::as_str),
        head,
        label,
        glyphs.line,
        columns,
    )
}

/// The names of a receive queue, longest first.
fn queues(portid: u32) -> [String; 2] {
    [
        format!(" [queue of port {portid}]"),
        format!(" [port {portid}]"),
    ]
}
