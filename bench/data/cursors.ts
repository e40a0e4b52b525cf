import type { Database } from '../lab/bench.js'

/** A cursor as the server makes it; where it makes others one day, it refuses these. */
function cursor(order: string, ...values: (string | number)[]): string {
  return Buffer.from(JSON.stringify([order, ...values])).toString('base64url')
}

/** The page of history that begins below a position. */
export function historyCursor(position: number): string {
  return cursor('-createdAt', position)
}

/** What a list is of, and in which order: as the API names it, and as the database does. */
export interface Listing {
  projectId: string
  sort: string
  value: string
  direction: 'asc' | 'desc'
  where?: string
}

/** A page of a list: how one asks for it, and what has to be on it. */
export interface ListPage {
  cursor: string
  ids: string[]
}

const HOUR_MS = 3_600_000

/** A page far down a list, without the walk to it. */
export async function pageOf(
  database: Database,
  { projectId, sort, value, direction, where = 'true' }: Listing,
  { skip, limit }: { skip: number; limit: number },
): Promise<ListPage> {
  return database.connected(async client => {
    await client.query(`set timezone = 'UTC'`)
    const { rows } = await client.query<{ id: string; value: string; began: number }>(
      `select t.id, (${value})::text as value, p.last_seq::int as began from tasks t join projects p on p.id = t.project_id
       where project_id = $1 and t.deleted_at is null and ${where}
       order by ${value} ${direction}, t.id ${direction} offset $2 limit $3`,
      [projectId, skip - 1, limit + 1],
    )
    const [last, ...page] = rows
    if (!last) throw new Error(`There is no page ${skip} rows down`)
    const place = [last.began, Date.now() + 10 * HOUR_MS, last.value, last.id]
    return { cursor: cursor(`tasks ${sort}`, ...place), ids: page.map(({ id }) => id) }
  })
}
