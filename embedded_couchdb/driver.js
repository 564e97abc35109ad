// Runs the functions of design documents. Evaluates to a function that Python calls with the name of an
// operation and its arguments, JSON texts all of them, with NUL between them; the answer is a JSON text too.
(function () {
  "use strict";
  const MOST_DESIGNS = 100;
  const REDUCE_CHUNK = 100;
  const designs = new Map();
  const functions = new Map();
  const { parse, stringify } = JSON;

  let emitted = [];
  let logged = [];

  // Design documents share this engine: one must not change the language under another.
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const builtin = globalThis[name];
    if (typeof builtin !== "function" && name !== "JSON" && name !== "Math") continue;
    for (const each of [builtin, builtin.prototype]) {
      if (each === undefined || each === null) continue;
      // Freezing these would also forbid a function to give its own objects members of the same names.
      const extended = [Object.prototype, Function.prototype, Error.prototype].includes(each) || each instanceof Error;
      (extended ? Object.preventExtensions : Object.freeze)(each);
    }
  }

  const asText = (value) => stringify(value) ?? "null";
  const helpers = {
    emit: (key, value) => void emitted.push(asText(key), asText(value)),
    log: (message) => void logged.push(typeof message === "string" ? message : asText(message)),
    isArray: Array.isArray,
    sum: (values) => values.reduce((total, value) => total + value, 0),
    toJSON: (value) => stringify(value),
  };

  function remember(cache, name, value) {
    cache.set(name, value);
    if (cache.size > MOST_DESIGNS) cache.delete(cache.keys().next().value);
    return value;
  }

  // CommonJS: a module's path names a string inside the design document, relative to the requiring module.
  function requireFrom(root, directory, loaded) {
    return function require(path) {
      const steps = path.startsWith(".") ? [...directory] : [];
      for (const step of path.split("/")) {
        if (step === "..") steps.pop();
        else if (step !== "." && step !== "") steps.push(step);
      }
      const name = steps.join("/");
      if (loaded.has(name)) return loaded.get(name).exports;
      const source = steps.reduce((tree, step) => tree?.[step], root);
      if (typeof source !== "string") throw new Error(`no module ${name} in the design document`);
      const module = { id: name, exports: {} };
      loaded.set(name, module);
      const run = new Function("module", "exports", "require", source);
      run(module, module.exports, requireFrom(root, steps.slice(0, -1), loaded));
      return module.exports;
    };
  }

  function compile(source, root) {
    const scope = { ...helpers, require: requireFrom(root, [], new Map()) };
    const text = source.replace(/[\s;]+$/, "");
    const result = new Function(...Object.keys(scope), `return (${text}\n);`)(...Object.values(scope));
    if (typeof result !== "function") throw new TypeError("expression does not evaluate to a function");
    return result;
  }

  function cached(source) {
    return functions.get(source) ?? remember(functions, source, compile(source, {}));
  }

  function describe(problem) {
    if (problem instanceof Error) return { error: String(problem.name), reason: String(problem.message) };
    try {
      return { error: "error", reason: typeof problem === "string" ? problem : asText(problem) };
    } catch {
      return { error: "error", reason: "a value that is no JSON" };
    }
  }

  // Each function gets documents of its own, so that none sees what another did to them.
  function mapAll(map, documents) {
    const rows = [];
    parse(documents).forEach((document, position) => {
      emitted = [];
      try {
        map(document);
      } catch (problem) {
        logged.push(`map function threw for document ${document._id}: ${describe(problem).reason}`);
        return;
      }
      for (let i = 0; i < emitted.length; i += 2) rows.push([position, emitted[i], emitted[i + 1]]);
    });
    return rows;
  }

  function reduceGroup(reduce, group) {
    const chunks = [];
    for (let start = 0; start < group.values.length; start += REDUCE_CHUNK) {
      const end = start + REDUCE_CHUNK;
      chunks.push(reduce(group.keys.slice(start, end), group.values.slice(start, end), false));
    }
    // Partial results travel as JSON in CouchDB: what doesn't survive that must not work here either. And the
    // last step is always a rereduce there, for it puts shards together: a function that can't must show it.
    let partial = parse(asText(chunks));
    do {
      const next = [];
      for (let start = 0; start < partial.length; start += REDUCE_CHUNK) {
        next.push(reduce(null, partial.slice(start, start + REDUCE_CHUNK), true));
      }
      partial = parse(asText(next));
    } while (partial.length > 1);
    return partial[0];
  }

  function load(design) {
    const { maps, root } = parse(design);
    return maps.map((source) => compile(source, root));
  }

  const operations = {
    map(name, design, documents) {
      const maps = designs.get(name) ?? remember(designs, name, load(design));
      return maps.map((map) => mapAll(map, documents));
    },
    reduce(source, groups) {
      const reduce = cached(source);
      return parse(groups).map((group) => {
        try {
          return reduceGroup(reduce, group) ?? null;
        } catch (problem) {
          logged.push(`reduce function threw: ${describe(problem).reason}`);
          return null;
        }
      });
    },
    validate(design, ...args) {
      const { source, root } = parse(design);
      const validate = functions.get(design) ?? remember(functions, design, compile(source, root));
      try {
        validate(...args.map((text) => parse(text)));
        return null;
      } catch (problem) {
        for (const name of ["forbidden", "unauthorized"]) {
          if (typeof problem === "object" && problem !== null && name in problem) {
            return { error: name, reason: problem[name] };
          }
        }
        if (problem instanceof Error) return describe(problem);
        const reason = typeof problem === "object" && problem !== null ? Object.values(problem)[0] : problem;
        return { error: "unknown_error", reason: reason ?? null };
      }
    },
    ready: () => true,
    check(source) {
      compile(source, {});
      return true;
    },
  };

  return function handle(request) {
    logged = [];
    try {
      const [operation, ...args] = request.split("\0");
      return asText({ result: operations[operation](...args), log: logged });
    } catch (problem) {
      return asText({ failure: describe(problem), log: logged });
    }
  };
})();
