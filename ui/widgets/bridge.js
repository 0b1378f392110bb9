// The one way between a widget and Python (ui/widgets/bridge.py). Streamlit calls the default export of a component when it
// is drawn and again whenever its data changes, so all that a widget keeps lives in what `create` makes, once for each
// place on a page.

// create(root, host) returns {update(data, differs), hear(data)}; differs(...keys) tells whether these have changed. `hear`,
// which may be missing, gets all that Python says, `update` only what is not about an older message than the last one sent.
export function mount(name, create) {
  return ({ data, parentElement, setStateValue, setTriggerValue }) => {
    parentElement[`__${name}`] ??= makeHost(parentElement, create);
    parentElement[`__${name}`](data, setStateValue, setTriggerValue);
  };
}

function makeHost(root, create) {
  let data, sequence = 0, setState, setTrigger;
  const host = {
    next: () => ++sequence, // the number of a message that is sent later
    send: (name, message, number = host.next()) => {
      setState(name, { ...message, sequence: number });
      return number;
    },
    set: (name, value) => setState(name, value), // a value that needs no answer
    trigger: (name, value) => setTrigger(name, value), // an event
    isLatest: (number) => number === sequence,
  };
  const widget = create(root, host);
  return function receive(fresh, ...setters) {
    [setState, setTrigger] = setters;
    widget.hear?.(fresh);
    if (fresh.sequence < sequence) return;
    const old = data;
    data = fresh;
    sequence = Math.max(sequence, fresh.sequence ?? 0);
    widget.update(data, (...keys) => !old || keys.some((key) => JSON.stringify(old[key]) !== JSON.stringify(data[key])));
  };
}

// In place: what a visitor does in a widget is no step of the browser's history. Empty text takes a parameter out.
export function writeAddress(parameters) {
  const here = new URL(location.href);
  for (const [name, text] of Object.entries(parameters)) {
    if (text === "") here.searchParams.delete(name);
    else here.searchParams.set(name, text);
  }
  history.replaceState(history.state, "", here);
}
