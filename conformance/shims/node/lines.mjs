// The lines of standard input.
/** The lines of a stream of octets, as text without their ends. Split by hand: readline would also end a line at U+2028. */
export async function* lines(input) {
  let pending = [];
  for await (const chunk of input) {
    let start = 0;
    for (let lf; (lf = chunk.indexOf(0x0a, start)) >= 0; start = lf + 1) {
      yield Buffer.concat([...pending, chunk.subarray(start, lf)]).toString('utf8');
      pending = [];
    }
    pending.push(chunk.subarray(start));
  }
}
