import { expect } from 'vitest'
import type { Hit, Marked } from '../../src/modules/search/search.contract.js'
import type { Answer, TestUser } from '../support/api.js'

export type Found = Hit

/** The answer to a search, whatever it is. */
export function asked({ api }: TestUser, workspaceId: string, q: string, more = ''): Promise<Answer> {
  return api.get(`/workspaces/${workspaceId}/search?q=${encodeURIComponent(q)}${more}`)
}

/** The hits of one page. */
export async function search(user: TestUser, workspaceId: string, q: string, more = ''): Promise<Found[]> {
  const { status, body } = await asked(user, workspaceId, q, more)
  expect(status, `${q}: ${JSON.stringify(body)}`).toBe(200)
  return body.data
}

/** The hits of all pages. */
export async function walkSearch(
  user: TestUser,
  workspaceId: string,
  q: string,
  { limit = 50, between }: { limit?: number; between?: () => Promise<unknown> } = {},
): Promise<Found[]> {
  const pages: Found[][] = []
  for (let cursor = ''; ; ) {
    const { status, body } = await asked(
      user,
      workspaceId,
      q,
      `&limit=${limit}${cursor && `&cursor=${cursor}`}`,
    )
    expect(status, JSON.stringify(body)).toBe(200)
    pages.push(body.data)
    if (body.meta.nextCursor === null) return pages.flat()
    cursor = body.meta.nextCursor
    await between?.()
  }
}

/** `comment Login` for each hit. */
export const named = (hits: readonly Found[]) => hits.map(({ type, title }) => `${type} ${title.text}`)

/** What is highlighted of a text. */
export const highlighted = (marked: Marked | null | undefined) =>
  marked?.highlights.map(({ start, end }) => marked.text.slice(start, end))
