import { Logger } from '@forinda/kickjs-core'
import { onTestFinished } from 'vitest'

/** Sends the log to memory until the test ends, then nowhere; returns a way to read its lines so far. */
export function capturedLines(level = 'trace'): () => Record<string, unknown>[] {
  const lines: string[] = []
  Logger.configure({ level }, { write: line => lines.push(line) })
  onTestFinished(() => Logger.configure({ level: 'silent' }))
  return () => lines.map(line => JSON.parse(line))
}
