import { computed, isRef, type ReadonlyRef, reactive, ref, toRefs, unref, watch } from '@forinda/kickjs-core'
import { describe, expect, test, vi } from 'vitest'
import { Computation, Source } from '../src/reactivity/graph.js'
import { subscribe } from '../src/reactivity/subscription.js'
import { capturedLines } from './captured-lines.js'

describe('ref', () => {
  test('tells its subscribers each change, with the value before', () => {
    const count = ref(0)
    const heard = vi.fn()
    const stop = count.subscribe(heard)
    count.value = 5
    count.value++
    stop()
    count.value = 9
    stop()
    expect(heard.mock.calls).toEqual([
      [5, 0],
      [6, 5],
    ])
    expect(count.value).toBe(9)
  })

  test('tells nobody when the value is equal', () => {
    const ratio = ref(Number.NaN)
    const heard = vi.fn()
    ratio.subscribe(heard)
    ratio.value = Number.NaN
    expect(heard).not.toHaveBeenCalled()
    ratio.value = 0
    ratio.value = -0
    expect(heard).toHaveBeenCalledTimes(2)
  })

  test('sees an array assigned, not one that is pushed to', () => {
    const notifications = ref<string[]>([])
    const heard = vi.fn()
    watch(notifications, heard)
    notifications.value.push('unheard')
    expect(heard).not.toHaveBeenCalled()
    notifications.value = [...notifications.value, 'heard']
    expect(heard).toHaveBeenCalledWith(['unheard', 'heard'], expect.anything())
  })

  test('two subscriptions of one function are two', () => {
    const count = ref(0)
    const heard = vi.fn()
    const stop = count.subscribe(heard)
    count.subscribe(heard)
    count.value = 1
    expect(heard).toHaveBeenCalledTimes(2)
    stop()
    count.value = 2
    expect(heard).toHaveBeenCalledTimes(3)
  })
})

describe('subscribers of one source', () => {
  test('may stop themselves and each other while they are told', () => {
    const count = ref(0)
    const calls: string[] = []
    const stopFirst = count.subscribe(() => {
      calls.push('first')
      stopFirst()
      stopThird()
    })
    count.subscribe(() => calls.push('second'))
    const stopThird = count.subscribe(() => calls.push('third'))
    count.value = 1
    count.value = 2
    expect(calls).toEqual(['first', 'second', 'second'])
  })

  test('may subscribe while they are told, and then hear the next change', () => {
    const count = ref(0)
    const late = vi.fn()
    const stop = count.subscribe(() => {
      stop()
      count.subscribe(late)
    })
    count.value = 1
    expect(late).not.toHaveBeenCalled()
    count.value = 2
    expect(late.mock.calls).toEqual([[2, 1]])
  })

  test('are all told when one throws: the error is logged, the writer unharmed', () => {
    const lines = capturedLines()
    const count = ref(0)
    const heard = vi.fn()
    count.subscribe(() => {
      throw new Error('broken pipe')
    })
    count.subscribe(heard)
    count.value = 1
    expect(heard).toHaveBeenCalledWith(1, 0)
    expect(lines()).toMatchObject([{ level: 50, part: 'reactivity', err: { message: 'broken pipe' } }])
    count.value = 2
    expect(heard).toHaveBeenCalledTimes(2)
  })

  test('may be async, and a rejection is logged', async () => {
    const lines = capturedLines()
    const count = ref(0)
    count.subscribe(async () => {
      throw new Error('broken pipe')
    })
    count.value = 1
    await vi.waitFor(() => expect(lines()).toMatchObject([{ err: { message: 'broken pipe' } }]))
  })

  test('may write: everybody ends with the last value and nobody hears an older one after it', () => {
    const count = ref(0)
    const [before, after] = [vi.fn(), vi.fn()]
    count.subscribe(before)
    count.subscribe(value => {
      if (value < 3) count.value = value + 1
    })
    count.subscribe(after)
    count.value = 1
    expect(before.mock.calls.map(([value]) => value)).toEqual([1, 2, 3])
    expect(after.mock.calls.map(([value]) => value)).toEqual([2, 3])
  })

  test('that never settle are cut off and logged, not run for ever', () => {
    const lines = capturedLines()
    const count = ref(0)
    const stop = count.subscribe(value => {
      count.value = value + 1
    })
    count.value = 1
    expect(lines()).toMatchObject([{ err: { message: 'Subscribers keep changing what they subscribe to' } }])
    stop()
    const heard = vi.fn()
    count.subscribe(heard)
    count.value = -1
    expect(heard).toHaveBeenCalledTimes(1)
  })
})

describe('computed', () => {
  test('computes when first read, and again only after a source has changed', () => {
    const count = ref(1)
    const other = ref(0)
    const compute = vi.fn(() => count.value * 2)
    const doubled = computed(compute)
    expect(compute).not.toHaveBeenCalled()
    expect(doubled.value).toBe(2)
    other.value = 1
    expect(doubled.value).toBe(2)
    expect(compute).toHaveBeenCalledTimes(1)
    count.value = 10
    count.value = 11
    expect(compute).toHaveBeenCalledTimes(1)
    expect(doubled.value).toBe(22)
    expect(compute).toHaveBeenCalledTimes(2)
  })

  test('does not compute again when a source came back to an equal value', () => {
    const count = ref(1)
    const odd = computed(() => count.value % 2 === 1)
    const compute = vi.fn(() => (odd.value ? 'odd' : 'even'))
    const word = computed(compute)
    expect(word.value).toBe('odd')
    count.value = 3
    expect(word.value).toBe('odd')
    expect(compute).toHaveBeenCalledTimes(1)
  })

  test('follows what it reads now, not what it once read', () => {
    const useNick = ref(true)
    const nick = ref('Ada')
    const name = ref('Augusta')
    const compute = vi.fn(() => (useNick.value ? nick.value : name.value))
    const shown = computed(compute)
    const heard = vi.fn()
    shown.subscribe(heard)
    name.value = 'Augusta King'
    expect(compute).toHaveBeenCalledTimes(1)
    useNick.value = false
    nick.value = 'Countess'
    expect(compute).toHaveBeenCalledTimes(2)
    name.value = 'Lovelace'
    expect(heard.mock.calls).toEqual([
      ['Augusta King', 'Ada'],
      ['Lovelace', 'Augusta King'],
    ])
  })

  test('of a diamond is computed once a change, and half a change is never seen', () => {
    const base = ref(1)
    const left = computed(() => base.value + 1)
    const right = computed(() => base.value * 10)
    const compute = vi.fn(() => `${left.value}/${right.value}`)
    const both = computed(compute)
    const heard = vi.fn()
    both.subscribe(heard)
    base.value = 2
    expect(compute).toHaveBeenCalledTimes(2)
    expect(heard.mock.calls).toEqual([['3/20', '2/10']])
  })

  test('through forty diamonds takes no time that doubles with each', () => {
    const base = ref(1)
    let top: ReadonlyRef<number> = base
    for (let level = 0; level < 40; level++) {
      const below = top
      const [left, right] = [computed(() => below.value), computed(() => below.value)]
      top = computed(() => Math.max(left.value, right.value))
    }
    const heard = vi.fn()
    top.subscribe(heard)
    base.value = 2
    expect(heard.mock.calls).toEqual([[2, 1]])
  })

  test('leaves nothing behind on its sources once nobody subscribes', () => {
    const count = ref(0)
    const compute = vi.fn(() => count.value)
    const inner = computed(compute)
    const outer = computed(() => inner.value + 1)
    const [stopOne, stopTwo] = [outer.subscribe(vi.fn()), outer.subscribe(vi.fn())]
    count.value = 1
    stopOne()
    count.value = 2
    expect(compute).toHaveBeenCalledTimes(3)
    stopTwo()
    stopTwo()
    count.value = 3
    expect(compute).toHaveBeenCalledTimes(3)
    expect(outer.value).toBe(4)
  })

  test('is linked to its sources only while somebody subscribes', () => {
    const source = new Source()
    const inner = new Computation(() => source.track())
    const outer = new Computation(() => inner.read())
    outer.read()
    expect([source.isObserved, inner.isObserved]).toEqual([false, false])
    const stop = subscribe(outer, () => outer.read(), vi.fn())
    expect([source.isObserved, inner.isObserved]).toEqual([true, true])
    stop()
    expect([source.isObserved, inner.isObserved]).toEqual([false, false])
  })

  test('throws what it computes to its reader, and recovers with its source', () => {
    const divisor = ref(0)
    const compute = vi.fn(() => {
      if (divisor.value === 0) throw new RangeError('division by zero')
      return 10 / divisor.value
    })
    const ratio = computed(compute)
    expect(() => ratio.value).toThrow('division by zero')
    expect(() => ratio.value).toThrow('division by zero')
    expect(compute).toHaveBeenCalledTimes(1)
    divisor.value = 5
    expect(ratio.value).toBe(2)
  })

  test('whose subscribers live through a failure hears the next value', () => {
    const lines = capturedLines()
    const divisor = ref(1)
    const ratio = computed(() => {
      if (divisor.value === 0) throw new RangeError('division by zero')
      return 10 / divisor.value
    })
    const heard = vi.fn()
    ratio.subscribe(heard)
    divisor.value = 0
    divisor.value = 2
    expect(heard.mock.calls).toEqual([[5, 10]])
    expect(lines()).toMatchObject([{ err: { message: 'division by zero' } }])
  })

  test('that needs itself fails instead of hanging, now and later', () => {
    const on = ref(true)
    const loop: ReadonlyRef<number> = computed(() => (on.value ? loop.value + 1 : 0))
    expect(() => loop.value).toThrow('A computed value depends on itself')
    on.value = false
    expect(loop.value).toBe(0)
    on.value = true
    expect(() => loop.value).toThrow('A computed value depends on itself')
  })

  test('cannot be assigned', () => {
    expect(() =>
      Object.assign(
        computed(() => 1),
        { value: 2 },
      ),
    ).toThrow(TypeError)
  })
})

describe('watch', () => {
  test('hears a ref until it is stopped', () => {
    const errors = ref(0)
    const heard = vi.fn()
    const stop = watch(errors, heard)
    errors.value = 5
    stop()
    errors.value = 6
    expect(heard.mock.calls).toEqual([[5, 0]])
  })

  test('immediate calls at once too, with nothing before', () => {
    const errors = ref(3)
    const heard = vi.fn()
    watch(errors, heard, { immediate: true })
    errors.value = 4
    expect(heard.mock.calls).toEqual([
      [3, undefined],
      [4, 3],
    ])
  })

  test('immediate that throws throws to its caller and stays subscribed to nothing', () => {
    const errors = ref(3)
    const heard = vi.fn(() => {
      throw new Error('no stream')
    })
    expect(() => watch(errors, heard, { immediate: true })).toThrow('no stream')
    errors.value = 4
    expect(heard).toHaveBeenCalledTimes(1)
  })

  test('hears a computed and a getter, only when their value changes', () => {
    const [requests, errors] = [ref(10), ref(1)]
    const rate = computed(() => errors.value / requests.value)
    const [computedHeard, getterHeard] = [vi.fn(), vi.fn()]
    watch(rate, computedHeard)
    watch(() => errors.value > 5, getterHeard)
    errors.value = 5
    errors.value = 6
    errors.value = 7
    expect(computedHeard.mock.calls).toEqual([
      [0.5, 0.1],
      [0.6, 0.5],
      [0.7, 0.6],
    ])
    expect(getterHeard.mock.calls).toEqual([[true, false]])
  })

  test('started inside a computed does not become its source', () => {
    const [shown, hidden] = [ref(1), ref(1)]
    const compute = vi.fn(() => {
      watch(hidden, () => {})()
      return shown.value
    })
    const value = computed(compute)
    expect(value.value).toBe(1)
    hidden.value = 2
    expect(value.value).toBe(1)
    expect(compute).toHaveBeenCalledTimes(1)
  })
})

describe('reactive', () => {
  test('is watched through a getter, and only what the getter reads counts', () => {
    const metrics = reactive({ requests: 0, errors: 0 })
    const compute = vi.fn(() => metrics.errors)
    const heard = vi.fn()
    watch(compute, heard)
    metrics.requests++
    expect(compute).toHaveBeenCalledTimes(1)
    metrics.errors++
    metrics.errors = 1
    expect(heard.mock.calls).toEqual([[1, 0]])
  })

  test('goes as deep as plain objects and arrays do', () => {
    const state = reactive({ board: { columns: [{ name: 'todo', tasks: 1 }] } })
    const heard = vi.fn()
    watch(() => state.board.columns.reduce((sum, column) => sum + column.tasks, 0), heard)
    for (const column of state.board.columns) column.tasks = 5
    state.board.columns.push({ name: 'done', tasks: 2 })
    state.board = { columns: [] }
    expect(heard.mock.calls.map(([sum]) => sum)).toEqual([5, 7, 0])
  })

  test('sees keys come and go', () => {
    const online = reactive<Record<string, string>>({})
    const [keys, ada] = [vi.fn(), vi.fn()]
    watch(() => Object.keys(online).join(), keys)
    watch(() => 'ada' in online, ada)
    online.ada = 'here'
    online.ada = 'away'
    online.bob = 'here'
    delete online.ada
    delete online.nobody
    expect(keys.mock.calls.map(([list]) => list)).toEqual(['ada', 'ada,bob', 'bob'])
    expect(ada.mock.calls).toEqual([
      [true, false],
      [false, true],
    ])
  })

  test('keeps a computed right about a key that is deleted and set again', () => {
    const online = reactive<Record<string, string>>({ ada: 'here' })
    const ada = computed(() => online.ada)
    expect(ada.value).toBe('here')
    delete online.ada
    online.ada = 'back'
    expect(ada.value).toBe('back')
    online.ada = 'gone'
    expect(ada.value).toBe('gone')
  })

  test.each<[string, (list: number[]) => unknown, string]>([
    ['push', list => list.push(9, 8), '3,1,2,9,8'],
    ['pop', list => list.pop(), '3,1'],
    ['shift', list => list.shift(), '1,2'],
    ['unshift', list => list.unshift(9), '9,3,1,2'],
    ['splice', list => list.splice(0, 2, 7), '7,2'],
    ['sort', list => list.sort(), '1,2,3'],
    ['reverse', list => list.reverse(), '2,1,3'],
    ['fill', list => list.fill(0), '0,0,0'],
    ['copyWithin', list => list.copyWithin(0, 1), '1,2,2'],
    ['a shorter length', list => Object.assign(list, { length: 1 }), '3'],
    ['an index beyond the end', list => Object.assign(list, { 4: 5 }), '3,1,2,,5'],
  ])('shows %s of an array as one change', (_name, change, after) => {
    const list = reactive([3, 1, 2])
    const [whole, last] = [vi.fn(), computed(() => list.at(-1))]
    expect(last.value).toBe(2)
    watch(() => list.join(), whole)
    change(list)
    expect(whole.mock.calls).toEqual([[after, '3,1,2']])
    expect(last.value).toBe(list.at(-1))
  })

  test('gives what the array method gives, objects included', () => {
    const list = reactive([{ id: 1 }, { id: 2 }])
    expect(list.push({ id: 3 })).toBe(3)
    expect(list.pop()).toEqual({ id: 3 })
    expect(list.splice(0, 1)).toEqual([{ id: 1 }])
    expect(list.findIndex(({ id }) => id === 2)).toBe(0)
    expect(JSON.stringify(list)).toBe('[{"id":2}]')
    expect(Array.isArray(list)).toBe(true)
  })

  test('is one proxy for one object, which is itself left plain', () => {
    const original = { task: { title: 'a' } }
    const state = reactive(original)
    const task = state.task
    expect(reactive(original)).toBe(state)
    expect(reactive(state)).toBe(state)
    expect(state.task).toBe(task)
    const tasks = reactive<object[]>([])
    tasks.push(task)
    expect(tasks.includes(task)).toBe(true)
    const heard = vi.fn()
    watch(() => state.task, heard)
    state.task = task
    expect(heard).not.toHaveBeenCalled()
    expect(original.task).not.toBe(task)
    expect(original.task).toEqual({ title: 'a' })
  })

  test('leaves Maps, dates, instances, refs and what is frozen as they are', () => {
    class Money {
      #cents = 5
      get cents() {
        return this.#cents
      }
    }
    const frozen = Object.freeze({ nested: { value: 1 } })
    const count = ref(1)
    const state = reactive({ map: new Map([['a', 1]]), at: new Date(0), money: new Money(), frozen, count })
    expect(state.map.get('a')).toBe(1)
    expect(state.at.getTime()).toBe(0)
    expect(state.money.cents).toBe(5)
    expect(state.frozen.nested.value).toBe(1)
    expect(isRef(state.count)).toBe(true)
    const heard = vi.fn()
    watch(() => state.count.value, heard)
    count.value = 2
    expect(heard).toHaveBeenCalledTimes(1)
  })

  test('follows getters and setters of the object', () => {
    const person = reactive({
      first: 'Ada',
      last: 'Lovelace',
      get name() {
        return `${this.first} ${this.last}`
      },
      set name(name: string) {
        ;[this.first = '', this.last = ''] = name.split(' ')
      },
    })
    const heard = vi.fn()
    watch(() => person.name, heard)
    person.last = 'King'
    person.name = 'Grace Hopper'
    expect(heard.mock.calls.at(-1)?.[0]).toBe('Grace Hopper')
  })
})

describe('toRefs, isRef and unref', () => {
  test('each ref is bound to its property both ways', () => {
    const state = reactive({ open: 1, title: 'a' })
    const { open, title } = toRefs(state)
    const heard = vi.fn()
    open.subscribe(heard)
    state.open = 2
    open.value = 3
    title.value = 'b'
    expect(heard.mock.calls).toEqual([
      [2, 1],
      [3, 2],
    ])
    expect(state).toEqual({ open: 3, title: 'b' })
  })

  test('a plain object serves too', () => {
    const { a, b } = toRefs({ a: 1, b: 2 })
    const sum = computed(() => a.value + b.value)
    expect(sum.value).toBe(3)
    a.value = 5
    expect(sum.value).toBe(7)
  })

  test('isRef knows refs of every kind and nothing else', () => {
    const kinds = [ref(0), computed(() => 0), toRefs({ a: 1 }).a]
    expect(kinds.map(isRef)).toEqual([true, true, true])
    const others = [
      0,
      null,
      undefined,
      'ref',
      {},
      { value: 1, subscribe() {} },
      reactive({ value: 1 }),
      () => 1,
    ]
    expect(others.map(isRef)).toEqual(others.map(() => false))
  })

  test('unref takes the value out of a ref and leaves the rest alone', () => {
    expect(unref(ref(5))).toBe(5)
    expect(unref(computed(() => 'a'))).toBe('a')
    expect(unref(5)).toBe(5)
    expect(unref(null)).toBeNull()
  })
})
