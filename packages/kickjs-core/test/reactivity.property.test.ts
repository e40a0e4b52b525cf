import { computed, type ReadonlyRef, reactive, ref, watch } from '@forinda/kickjs-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const LEAVES = 4

/** A computed of a random graph: which of the nodes before it it reads, and how. */
const node = fc.record({
  kind: fc.constantFrom('sum', 'either', 'parity'),
  reads: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
})

const step = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    leaf: fc.nat(LEAVES - 1),
    value: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({ do: fc.constantFrom('read' as const, 'watch' as const, 'stop' as const), node: fc.nat() }),
)

function combine(kind: string, inputs: readonly (() => number)[]): number {
  const [first = () => 0, second = first, ...rest] = inputs
  if (kind === 'either') return first() > 0 ? second() : rest.reduce((sum, input) => sum + input(), 0)
  const sum = inputs.reduce((total, input) => total + input(), 0)
  return kind === 'parity' ? sum & 1 : sum
}

test('what is computed equals a fresh computation, and watchers hear each change of it exactly once', () => {
  const property = fc.property(
    fc.array(node, { minLength: 1, maxLength: 8 }),
    fc.array(step),
    (nodes, steps) => {
      const leaves = Array.from({ length: LEAVES }, () => ref(0))
      const graph: ReadonlyRef<number>[] = [...leaves]
      const expected: (() => number)[] = leaves.map(leaf => () => leaf.value)
      for (const { kind, reads } of nodes) {
        const sources = reads.map(index => index % graph.length)
        const [inputs, fresh] = [
          sources.flatMap(index => graph[index] ?? []),
          sources.flatMap(index => expected[index] ?? []),
        ]
        graph.push(
          computed(() =>
            combine(
              kind,
              inputs.map(input => () => input.value),
            ),
          ),
        )
        expected.push(() => combine(kind, fresh))
      }
      const watched = new Map<number, { heard: number; stop: () => void }>()

      for (const taken of steps) {
        if (taken.do === 'write') {
          const leaf = leaves[taken.leaf]
          if (leaf) leaf.value = taken.value
        } else {
          const index = taken.node % graph.length
          const found = graph[index]
          if (taken.do === 'read') expect(found?.value).toBe(expected[index]?.())
          if (taken.do === 'stop') {
            watched.get(index)?.stop()
            watched.delete(index)
          }
          if (taken.do === 'watch' && found && !watched.has(index)) {
            const entry = { heard: found.value, stop: () => {} }
            entry.stop = watch(found, (value, previous) => {
              expect(previous).toBe(entry.heard)
              expect(value).not.toBe(previous)
              entry.heard = value
            })
            watched.set(index, entry)
          }
        }
        for (const [index, { heard }] of watched) expect(heard).toBe(expected[index]?.())
      }
      expect(graph.map(({ value }) => value)).toEqual(expected.map(fresh => fresh()))
    },
  )
  fc.assert(property, { numRuns: 500 })
})

test('a reactive array always reads like a plain one after the same random changes', () => {
  const change = fc.oneof(
    fc.record({
      method: fc.constantFrom('push' as const, 'unshift' as const),
      args: fc.array(fc.nat(9), { maxLength: 3 }),
    }),
    fc.record({
      method: fc.constantFrom('pop' as const, 'shift' as const, 'reverse' as const),
      args: fc.constant([]),
    }),
    fc.record({
      method: fc.constant('splice' as const),
      args: fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ method: fc.constant('set' as const), args: fc.tuple(fc.nat(6), fc.nat(9)) }),
    fc.record({ method: fc.constant('length' as const), args: fc.tuple(fc.nat(4)) }),
  )
  const apply = (list: number[], { method, args }: { method: string; args: readonly number[] }) => {
    const [first = 0, second = 0] = args
    if (method === 'set') list[first] = second
    else if (method === 'length') list.length = first
    else Reflect.apply(Reflect.get(list, method), list, args)
  }
  const property = fc.property(fc.array(fc.nat(9)), fc.array(change), (start, changes) => {
    const [plain, list] = [[...start], reactive([...start])]
    const [text, size] = [computed(() => list.join()), computed(() => list.length)]
    let heard = text.value
    const stop = watch(
      () => list.join(),
      value => {
        heard = value
      },
    )
    for (const one of changes) {
      apply(plain, one)
      apply(list, one)
      expect([text.value, size.value, heard]).toEqual([plain.join(), plain.length, plain.join()])
    }
    stop()
  })
  fc.assert(property, { numRuns: 300 })
})
