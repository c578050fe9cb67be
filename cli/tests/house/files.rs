//! Which file of a crate takes names from which.
//!
//! A path counts as taken from the file of the module in which the name is defined; a name that a module passes on
//! (`pub use`) is followed to its own. What is compiled for tests only is left out, and so is passing on itself.

use crate::crates::{rust_files, Crate};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

type Module = Vec<String>;

/// One file of a crate.
struct Source {
    path: PathBuf,
    module: Module,
    file: syn::File,
}

fn sources(of: &Crate) -> Vec<Source> {
    let src = of.folder.join("src");
    let parse = |path: PathBuf| {
        let module = module(path.strip_prefix(&src).unwrap())?;
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        Some(Source { path, module, file })
    };
    rust_files(&src).into_iter().filter_map(parse).collect()
}

/// `a/b.rs` and `a/b/mod.rs` are a::b; `lib.rs` and `main.rs` are the root. Tests have no module.
fn module(path: &Path) -> Option<Module> {
    let mut parts: Module = path.with_extension("").iter().map(|p| p.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|p| ["mod", "lib", "main"].contains(&&p[..])) {
        parts.pop();
    }
    (!parts.iter().any(|p| p == "tests")).then_some(parts)
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("cfg")
            && a.meta.require_list().is_ok_and(|l| l.tokens.to_string().starts_with("test"))
    })
}

/// The paths that a file names, each from the crate's root, and those that it passes on under another name.
#[derive(Default)]
struct Paths {
    module: Module,
    taken: Vec<Module>,
    passed: Vec<(String, Module)>,
}

impl Paths {
    /// A path of this crate from its root.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        let rest = |n: usize| path[n..].to_vec();
        match &path.first()?[..] {
            "crate" => Some(rest(1)),
            "self" => Some([&self.module[..], &rest(1)].concat()),
            "super" => {
                let up = path.iter().take_while(|p| *p == "super").count();
                let stem = self.module.len().checked_sub(up)?;
                Some([&self.module[..stem], &rest(up)].concat())
            }
            _ => Some([&self.module[..], path].concat()),
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String], passes: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(p) => self.tree(&p.tree, &with(&p.ident), passes),
            syn::UseTree::Group(g) => g.items.iter().for_each(|t| self.tree(t, before, passes)),
            syn::UseTree::Name(n) => self.found(&with(&n.ident), &n.ident.to_string(), passes),
            syn::UseTree::Rename(r) => self.found(&with(&r.ident), &r.rename.to_string(), passes),
            syn::UseTree::Glob(_) => self.found(before, "*", passes),
        }
    }

    fn found(&mut self, path: &[String], name: &str, passes: bool) {
        let Some(absolute) = self.absolute(path) else { return };
        match passes {
            true => self.passed.push((name.to_owned(), absolute)),
            false => self.taken.push(absolute),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a syn::Item) {
        let attributes = match item {
            syn::Item::Mod(i) => &i.attrs,
            syn::Item::Use(i) => &i.attrs,
            syn::Item::Fn(i) => &i.attrs,
            syn::Item::Impl(i) => &i.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }
    fn visit_visibility(&mut self, _: &'a syn::Visibility) {}
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        self.tree(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
    }
    fn visit_path(&mut self, path: &'a syn::Path) {
        let parts: Module = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if parts.len() > 1 && path.leading_colon.is_none() {
            self.found(&parts, "", false);
        }
        visit::visit_path(self, path);
    }
}

/// Which file takes names from which, both by their module.
fn arrows(sources: &[Source]) -> BTreeMap<Module, BTreeSet<Module>> {
    let files: BTreeSet<&Module> = sources.iter().map(|s| &s.module).collect();
    let read = |s: &Source| {
        let mut paths = Paths { module: s.module.clone(), ..Paths::default() };
        paths.visit_file(&s.file);
        paths
    };
    let all: Vec<Paths> = sources.iter().map(read).collect();
    let passed: BTreeMap<Module, Module> = all
        .iter()
        .flat_map(|p| {
            p.passed.iter().map(|(n, to)| ([&p.module[..], std::slice::from_ref(n)].concat(), to.clone()))
        })
        .collect();
    let home = |path: &Module| -> Option<Module> {
        let mut path = path.clone();
        // Passed on at most as often as there are files.
        for _ in 0..files.len() {
            let known = (1..=path.len()).rev().find_map(|n| Some((n, passed.get(&path[..n])?)));
            match known {
                Some((n, to)) => path = [&to[..], &path[n..]].concat(),
                None => break,
            }
        }
        (1..=path.len()).rev().map(|n| path[..n].to_vec()).find(|m| files.contains(m))
    };
    let mut out: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for paths in &all {
        let to = paths.taken.iter().filter_map(home).filter(|m| *m != paths.module && !m.is_empty());
        out.entry(paths.module.clone()).or_default().extend(to);
    }
    out
}

/// Groups of files that reach each other, one line each.
pub fn circles(of: &Crate) -> Vec<String> {
    let sources = sources(of);
    let arrows = arrows(&sources);
    let reach = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            open.extend(arrows.get(at).into_iter().flatten().filter(|m| seen.insert((*m).clone())));
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = arrows.keys().map(|m| (m, reach(m))).collect();
    let mut groups = BTreeSet::new();
    for (from, to) in &reached {
        if to.contains(*from) {
            let group: Vec<&Module> = to.iter().filter(|m| reached[m].contains(*from)).collect();
            groups.insert(group);
        }
    }
    let name = |m: &Module| {
        let source = sources.iter().find(|s| s.module == *m).unwrap();
        source.path.strip_prefix(&of.folder).unwrap().display().to_string()
    };
    let arrow = |from: &Module, group: &[&Module]| {
        let to: Vec<String> = group.iter().filter(|m| arrows[from].contains(**m)).map(|m| name(m)).collect();
        format!("    {} -> {}", name(from), to.join(", "))
    };
    let told = |group: &Vec<&Module>| {
        let lines: Vec<String> = group.iter().map(|m| arrow(m, group)).collect();
        format!("{}:\n{}", of.name, lines.join("\n"))
    };
    groups.iter().map(told).collect()
}

/// Where a file prints.
pub fn prints(of: &Crate) -> Vec<String> {
    struct Macros(Vec<String>);
    impl<'a> Visit<'a> for Macros {
        fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
            if !is_for_tests(&item.attrs) {
                visit::visit_item_mod(self, item);
            }
        }
        fn visit_macro(&mut self, m: &'a syn::Macro) {
            let name = m.path.segments.last().unwrap().ident.to_string();
            if ["print", "println", "eprint", "eprintln", "dbg"].contains(&&name[..]) {
                self.0.push(name);
            }
        }
    }
    let mut out = Vec::new();
    for source in sources(of) {
        let mut macros = Macros(Vec::new());
        macros.visit_file(&source.file);
        out.extend(macros.0.iter().map(|m| format!("{}: {m}!", source.path.display())));
    }
    out
}
