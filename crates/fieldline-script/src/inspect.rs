//! What can be learnt from the text of a script without running it.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, BinaryExpr, Expr, FnCallExpr, Position, Stmt};

use crate::order::Order;

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) name: String,
    pub(crate) position: Position,
}

/// What a script mentions.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Names it writes, in order.
    pub(crate) order: Order,
    /// Variables it reads or writes.
    pub(crate) variables: BTreeSet<String>,
    /// Variables it declares.
    pub(crate) declared: Vec<Mention>,
    /// Variables that it assigns to, or to something inside; the path as far as it is literal.
    pub(crate) assigned: Vec<Mention>,
    /// Functions it calls, without those of imported files.
    pub(crate) called: Vec<Mention>,
    /// Reasons written as `discard("…")`.
    pub(crate) reasons: BTreeSet<String>,
    /// How often it names `meta`.
    meta_mentions: usize,
    /// The members of `meta` that it reads by a literal name, once for each time.
    meta_members: Vec<String>,
    /// Files it imports; `None` for the name where it is no literal.
    pub(crate) imports: Vec<(Option<String>, Position)>,
}

/// Reads `ast`, which must not be optimized: constant maps would have lost their order.
pub(crate) fn inspect(ast: &AST) -> Facts {
    let mut facts = Facts::default();
    ast.walk(&mut |path: &[ASTNode]| {
        match path.last() {
            Some(ASTNode::Stmt(statement)) => facts.see_statement(statement),
            Some(ASTNode::Expr(expression)) => facts.see_expression(expression),
            _ => {}
        }
        true
    });
    facts
}

/// How much of `meta` must be there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MetaUse {
    /// The script does not mention it.
    Nothing,
    /// It reads these members and no others.
    Members(Vec<String>),
    /// It writes to it, or uses it as a whole.
    Everything,
}

/// Variables that functions of the script use and do not have: they see only their arguments. An inner
/// function (`|x| …`) is no such function, it captures what it uses.
pub(crate) fn strays(ast: &AST) -> Vec<Mention> {
    let mut functions = ast.clone_functions_only();
    functions.retain_functions(|_, _, name, _| !name.starts_with("anon$"));
    let mut strays = Vec::new();
    functions.walk(&mut |path: &[ASTNode]| {
        if let Some(ASTNode::Expr(Expr::Variable(variable, None, position))) = path.last()
            && variable.0.is_none()
            && variable.2.is_empty()
        {
            strays.push(Mention { name: variable.1.to_string(), position: *position });
        }
        true
    });
    strays
}

impl Facts {
    /// Whether it assigns to a member of `meta`.
    pub(crate) fn writes_meta(&self) -> bool {
        self.assigned.iter().any(|assigned| assigned.name.starts_with("meta."))
    }

    /// How much of `meta` must be there.
    pub(crate) fn meta_use(&self) -> MetaUse {
        if self.meta_mentions == 0 {
            MetaUse::Nothing
        } else if self.writes_meta() || self.meta_mentions > self.meta_members.len() {
            MetaUse::Everything
        } else {
            MetaUse::Members(self.meta_members.clone())
        }
    }

    fn see_statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Assignment(assignment) => self.see_assignment(&assignment.1),
            Stmt::Var(declaration, _, position) => {
                self.declared.push(Mention { name: declaration.0.as_str().to_owned(), position: *position });
            }
            Stmt::FnCall(call, position) => self.see_call(call, *position),
            Stmt::Import(import, position) => {
                let name = match &import.0 {
                    Expr::StringConstant(text, _) => Some(text.to_string()),
                    _ => None,
                };
                self.imports.push((name, *position));
            }
            _ => {}
        }
    }

    fn see_expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Map(map, _) => map.0.iter().for_each(|(name, _)| self.order.add(name.as_str())),
            Expr::Variable(variable, _, _) if variable.2.is_empty() => {
                self.variables.insert(variable.1.to_string());
                self.meta_mentions += usize::from(variable.1.as_str() == "meta");
            }
            Expr::Dot(..) | Expr::Index(..) => {
                if let ["meta", member, ..] = path(expression).as_slice() {
                    self.meta_members.push((*member).to_owned());
                }
            }
            Expr::FnCall(call, position) | Expr::MethodCall(call, position) => self.see_call(call, *position),
            _ => {}
        }
    }

    fn see_assignment(&mut self, assignment: &BinaryExpr) {
        let path = path(&assignment.lhs);
        if let [_, .., last] = path.as_slice() {
            self.order.add(last);
        }
        if !path.is_empty() {
            let position = assignment.lhs.start_position();
            self.assigned.push(Mention { name: path.join("."), position });
        }
    }

    fn see_call(&mut self, call: &FnCallExpr, position: Position) {
        if !call.namespace.is_empty() || call.op_token.is_some() {
            return;
        }
        if let ("discard", [Expr::StringConstant(reason, _)]) = (call.name.as_str(), call.args.as_slice()) {
            self.reasons.insert(reason.to_string());
        }
        self.called.push(Mention { name: call.name.to_string(), position });
    }
}

/// The names in an expression such as `this.state["reported"].x`, up to the first that is not literal;
/// empty if it does not begin with a variable.
pub(crate) fn path(expression: &Expr) -> Vec<&str> {
    let mut names = Vec::new();
    walk_path(expression, &mut names);
    names
}

/// Whether an expression is such names and nothing else.
pub(crate) fn is_path(expression: &Expr) -> bool {
    walk_path(expression, &mut Vec::new())
}

/// Appends the names of `expression`; says whether it was literal to its end.
fn walk_path<'e>(expression: &'e Expr, names: &mut Vec<&'e str>) -> bool {
    match expression {
        Expr::Variable(variable, _, _) => names.push(&variable.1),
        Expr::Property(property, _) if !names.is_empty() => names.push(&property.2),
        Expr::StringConstant(text, _) if !names.is_empty() => names.push(text),
        Expr::Dot(pair, _, _) | Expr::Index(pair, _, _) => {
            return walk_path(&pair.lhs, names) && walk_path(&pair.rhs, names);
        }
        _ => return false,
    }
    true
}
