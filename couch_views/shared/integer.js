function integer(value) {
    // Old documents hold some numbers as text, or the text "undefined". Null if the value is not a number.
    var number = null;
    if (typeof value === 'number') {
        number = value;
    } else if (typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value)) {
        number = Number(value);
    }
    return number !== null && isFinite(number) ? Math.floor(number) : null;
}
