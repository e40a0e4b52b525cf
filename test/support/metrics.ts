/** What a server tells Prometheus. */
export async function scrape({ origin }: { origin: string }): Promise<string> {
  return (await fetch(`${origin}/metrics`)).text()
}

/** What a sample stands at, by its name and labels as they are written: `vibed_connections{kind="stream"}`. */
export function standOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find(each => each.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

/** How many places of a kind the connections of a server follow. */
export async function followed(app: { origin: string }, kind: string): Promise<number | undefined> {
  return standOf(await scrape(app), `vibed_feeds{kind="${kind}"}`)
}
