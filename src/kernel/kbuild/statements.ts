/** What one line of a Makefile is. */
export type Statement =
  | {
      readonly kind: 'assignment';
      readonly name: string;
      readonly operator: '=' | ':=' | '+=' | '?=' | '!=';
      readonly value: string;
      readonly exported: boolean;
    }
  | { readonly kind: 'export'; readonly names: string }
  | { readonly kind: 'unset'; readonly names: string }
  | { readonly kind: 'include'; readonly files: string; readonly optional: boolean }
  | { readonly kind: 'define'; readonly name: string; readonly operator: '=' | ':=' | '+=' | '?=' }
  | { readonly kind: 'rule'; readonly targets: string; readonly prerequisites: string; readonly recipe: string }
  | { readonly kind: 'expansion'; readonly text: string }
  | { readonly kind: 'unknown' };

/** Tells apart the lines of a Makefile (GNU make manual, chapters 3 and 6); conditionals and recipes are not among them. */
export function parseStatement(line: string): Statement {
  const text = line.trim();
  const define = /^(?:override\s+)?define\s+(\S+?)\s*(:=|::=|\+=|\?=|=)?$/.exec(text);
  if (define) return { kind: 'define', name: define[1]!, operator: (define[2]?.replace('::=', ':=') ?? '=') as '=' };
  const include = /^(-include|sinclude|include)\s+(.+)$/.exec(text);
  if (include) return { kind: 'include', files: include[2]!, optional: include[1] !== 'include' };
  const modifiers = /^((?:override|export|private)\s+)*/.exec(text)![0];
  const assignment = assignmentOf(text.slice(modifiers.length), modifiers.includes('export'));
  if (assignment) return assignment;
  if (/^export(?:\s|$)/.test(text)) return { kind: 'export', names: text.slice('export'.length).trim() };
  if (/^unexport(?:\s|$)/.test(text)) return { kind: 'export', names: '' };
  if (/^undefine\s/.test(text)) return { kind: 'unset', names: text.slice('undefine'.length).trim() };
  if (/^vpath(?:\s|$)/.test(text)) return { kind: 'unknown' };
  return ruleOf(text);
}

function assignmentOf(text: string, exported: boolean): Statement | undefined {
  const at = operatorAt(text);
  if (at === undefined || at.operator === ':') return undefined;
  const name = text.slice(0, at.start).trim();
  if (name === '') return undefined;
  const operator = at.operator === '::=' ? ':=' : (at.operator as '=');
  return { kind: 'assignment', name, operator, value: text.slice(at.start + at.operator.length).trimStart(), exported };
}

function ruleOf(text: string): Statement {
  const at = operatorAt(text);
  if (at?.operator !== ':') return /^\$[({]/.test(text) ? { kind: 'expansion', text } : { kind: 'unknown' };
  const behind = text.slice(at.start + 1).replace(/^:/, '');
  const semicolon = behind.indexOf(';');
  return {
    kind: 'rule',
    targets: text.slice(0, at.start).replace(/&$/, ''),
    prerequisites: semicolon < 0 ? behind : behind.slice(0, semicolon),
    recipe: semicolon < 0 ? '' : behind.slice(semicolon + 1),
  };
}

/** The first operator outside of references. */
function operatorAt(text: string): { readonly start: number; readonly operator: string } | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]!;
    if (char === '(' || char === '{') depth += 1;
    else if (char === ')' || char === '}') depth -= 1;
    else if (depth === 0) {
      const operator = /^(?:=|::=|:=|\+=|\?=|!=|:)/.exec(text.slice(i, i + 3))?.[0];
      if (operator !== undefined) return { start: i, operator };
    }
  }
  return undefined;
}
