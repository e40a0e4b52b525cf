import {
  Autowired,
  Component,
  Container,
  Inject,
  Injectable,
  Logger,
  PostConstruct,
  Repository,
  Scope,
  Service,
  Value,
} from '@forinda/kickjs-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { capturedLines } from './captured-lines.js'

@Service()
class Clock {
  now = () => 42
}

@Service()
class Tasks {
  constructor(
    readonly clock: Clock,
    @Inject('board') readonly board: { name: string },
  ) {}
}

@Injectable({ scope: Scope.TRANSIENT })
class Draft {}

describe('resolving', () => {
  test.each([Injectable, Service, Repository, Component])('a marked class needs no registration', mark => {
    @mark()
    class Marked {}
    const container = new Container()
    expect(container.resolve(Marked)).toBeInstanceOf(Marked)
    expect(container.resolve(Marked)).toBe(container.resolve(Marked))
  })

  test('a transient is made anew for each resolve, a singleton once', () => {
    const container = new Container()
    expect(container.resolve(Draft)).not.toBe(container.resolve(Draft))
    container.register('draft', Draft, Scope.SINGLETON)
    expect(container.resolve('draft')).toBe(container.resolve('draft'))
    container.register('clock', Clock, Scope.TRANSIENT)
    expect(container.resolve('clock')).not.toBe(container.resolve('clock'))
  })

  test('register takes the scope of the class unless told otherwise', () => {
    const container = new Container().register('draft', Draft).register('clock', Clock)
    expect(container.resolve('draft')).not.toBe(container.resolve('draft'))
    expect(container.resolve('clock')).toBe(container.resolve('clock'))
  })

  test('constructor parameters come by @Inject or by type', () => {
    const board = { name: 'ENG' }
    const container = new Container().registerInstance('board', board)
    const tasks = container.resolve(Tasks)
    expect(tasks.board).toBe(board)
    expect(tasks.clock).toBe(container.resolve(Clock))
  })

  test('an instance is handed out as it is, be it undefined', () => {
    const container = new Container().registerInstance('nothing', undefined)
    expect(container.resolve('nothing')).toBeUndefined()
    expect(container.has('nothing')).toBe(true)
  })

  test('a factory is given the container and runs once, or each time when transient', () => {
    const make = vi.fn((container: Container) => ({ clock: container.resolve(Clock) }))
    const container = new Container()
      .registerFactory('once', make)
      .registerFactory('each', make, Scope.TRANSIENT)
    expect(container.resolve('once')).toBe(container.resolve('once'))
    expect(make).toHaveBeenCalledTimes(1)
    expect(container.resolve('each')).not.toBe(container.resolve('each'))
    expect(make).toHaveBeenCalledTimes(3)
  })

  test('a factory that returns nothing still runs once', () => {
    const make = vi.fn(() => undefined)
    const container = new Container().registerFactory('nothing', make)
    container.resolve('nothing')
    container.resolve('nothing')
    expect(make).toHaveBeenCalledTimes(1)
  })

  test('a symbol names an interface', () => {
    const CLOCK = Symbol('Clock')
    const container = new Container().register(CLOCK, Clock)
    expect(container.resolve(CLOCK)).toBeInstanceOf(Clock)
  })

  test('registering a token again forgets the old instance', () => {
    const container = new Container()
    const first = container.resolve(Clock)
    const stand = { now: () => 7 }
    container.registerInstance(Clock, stand)
    expect(container.resolve(Clock)).toBe(stand)
    container.register(Clock, Clock)
    expect(container.resolve(Clock)).not.toBe(first)
  })

  test('two containers share nothing', () => {
    const one = new Container().registerInstance('board', { name: 'one' })
    const two = new Container().registerInstance('board', { name: 'two' })
    expect(one.resolve(Tasks)).not.toBe(two.resolve(Tasks))
    expect(one.resolve(Tasks).clock).not.toBe(two.resolve(Tasks).clock)
    expect(two.resolve(Tasks).board.name).toBe('two')
  })

  test('getInstance is one for the process until reset', () => {
    const shared = Container.getInstance()
    expect(Container.getInstance()).toBe(shared)
    const clock = shared.resolve(Clock)
    Container.reset()
    expect(Container.getInstance()).not.toBe(shared)
    expect(Container.getInstance().resolve(Clock)).not.toBe(clock)
    Container.reset()
  })

  test('has knows what is registered or marked, and nothing else', () => {
    class Plain {}
    const container = new Container().registerInstance('board', {})
    expect(container.has('board')).toBe(true)
    expect(container.has(Clock)).toBe(true)
    expect(container.has('bord')).toBe(false)
    expect(container.has(Plain)).toBe(false)
  })

  test('getRegistrations tells name, scope and whether the instance exists', () => {
    const container = new Container().register(Clock, Clock).register('draft', Draft)
    container.registerInstance(Symbol('board'), {})
    container.resolve('draft')
    expect(container.getRegistrations()).toEqual([
      { token: 'Clock', scope: 'singleton', instantiated: false },
      { token: 'draft', scope: 'transient', instantiated: false },
      { token: 'Symbol(board)', scope: 'singleton', instantiated: true },
    ])
    container.resolve(Clock)
    expect(container.getRegistrations()[0]).toMatchObject({ instantiated: true })
  })
})

describe('what cannot be resolved names the chain', () => {
  test('a missing dependency', () => {
    @Service()
    class Board {
      @Autowired(Tasks) readonly tasks!: Tasks
    }
    expect(() => new Container().resolve(Board)).toThrow('Nothing is registered for Board → Tasks → board')
  })

  test('a class that is not marked', () => {
    class Plain {}
    expect(() => new Container().resolve(Plain)).toThrow('Nothing is registered for Plain')
    expect(() => new Container().resolve(class {})).toThrow('an anonymous class')
  })

  test('a circle of constructors, properties and factories', () => {
    @Service()
    class Hen {
      constructor(@Inject('egg') readonly egg: unknown) {}
    }
    @Service()
    class Farm {
      @Autowired() readonly hen!: Hen
    }
    const container = new Container().registerFactory('egg', own => own.resolve(Farm))
    expect(() => container.resolve(Farm)).toThrow('Circular dependency: Farm → Hen → egg → Farm')
  })

  test('a circle of transients', () => {
    const container = new Container().registerFactory('self', own => own.resolve('self'), Scope.TRANSIENT)
    expect(() => container.resolve('self')).toThrow('Circular dependency: self → self')
  })

  test('a parameter whose type says nothing', () => {
    @Service()
    class Vague {
      constructor(readonly options: { depth: number }) {}
    }
    expect(() => new Container().resolve(Vague)).toThrow('Parameter 0 of Vague needs @Inject(token)')
  })

  test('a property whose type says nothing', () => {
    @Service()
    class Vague {
      @Autowired() readonly options!: { depth: number }
    }
    expect(() => new Container().resolve(Vague)).toThrow('Vague.options: @Autowired() cannot tell the type')
  })

  test('a failure leaves the container able to try again', () => {
    const container = new Container()
    expect(() => container.resolve(Tasks)).toThrow('Tasks → board')
    container.registerInstance('board', { name: 'ENG' })
    expect(container.resolve(Tasks).board.name).toBe('ENG')
  })

  test('a constructor that throws is tried again, its error unchanged', () => {
    let tries = 0
    const container = new Container().registerFactory('flaky', () => {
      if (++tries === 1) throw new RangeError('not yet')
      return 'ready'
    })
    expect(() => container.resolve('flaky')).toThrow(new RangeError('not yet'))
    expect(container.resolve('flaky')).toBe('ready')
  })
})

describe('properties', () => {
  test('@Autowired fills by type, class, string or symbol', () => {
    const CLOCK = Symbol('Clock')
    @Service()
    class Wired {
      @Autowired() readonly byType!: Clock
      @Autowired(Clock) readonly byClass!: Clock
      @Autowired('clock') readonly byName!: Clock
      @Autowired(CLOCK) readonly bySymbol!: Clock
    }
    const container = new Container()
    container.registerFactory('clock', own => own.resolve(Clock))
    container.registerFactory(CLOCK, own => own.resolve(Clock))
    const wired = container.resolve(Wired)
    expect(new Set(Object.values(wired))).toEqual(new Set([container.resolve(Clock)]))
    expect(Object.keys(wired)).toEqual(['byType', 'byClass', 'byName', 'bySymbol'])
  })

  test('@Autowired() of a Logger is one named after the class', () => {
    @Service()
    class Mailer {
      @Autowired() readonly logger!: Logger
    }
    const lines = capturedLines()
    new Container().resolve(Mailer).logger.info('sent')
    expect(lines()).toMatchObject([{ part: 'Mailer', msg: 'sent' }])
  })
})

describe('@Value', () => {
  @Service()
  class Mail {
    @Value('SMTP_HOST') readonly host!: string
    @Value('SMTP_PORT', 587) readonly port!: number
  }

  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test('reads the environment of the process, or the default', () => {
    vi.stubEnv('SMTP_HOST', 'mail.example.org')
    expect(new Container().resolve(Mail)).toEqual({ host: 'mail.example.org', port: 587 })
  })

  test('reads the environment that its container was given', () => {
    const container = new Container({ SMTP_HOST: 'a.example.org', SMTP_PORT: '25' })
    expect(container.resolve(Mail)).toEqual({ host: 'a.example.org', port: '25' })
  })

  test('an empty string is a value', () => {
    expect(new Container({ SMTP_HOST: '', SMTP_PORT: '' }).resolve(Mail)).toEqual({ host: '', port: '' })
  })

  test('fails by name when there is neither value nor default', () => {
    expect(() => new Container({}).resolve(Mail)).toThrow(
      'Mail.host needs the environment variable SMTP_HOST',
    )
  })
})

describe('@PostConstruct', () => {
  test('runs once, with all dependencies, a parent first and an overridden one in its place', () => {
    const calls: unknown[] = []
    class Base {
      @Autowired(Clock) readonly clock!: Clock
      @Value('ROOM', 'lobby') readonly room!: string
      @PostConstruct() open() {
        calls.push(['base open', this.clock.now(), this.room])
      }
      @PostConstruct() warm() {
        calls.push('base warm')
      }
    }
    @Service()
    class Room extends Base {
      @PostConstruct() listen() {
        calls.push('listen')
      }
      @PostConstruct() override warm() {
        calls.push('warm')
      }
    }
    const container = new Container({})
    container.resolve(Room)
    container.resolve(Room)
    expect(calls).toEqual([['base open', 42, 'lobby'], 'warm', 'listen'])
  })

  test('what it throws fails the construction', () => {
    @Service()
    class Broken {
      @PostConstruct() open() {
        throw new Error('no disk')
      }
    }
    expect(() => new Container().resolve(Broken)).toThrow('no disk')
  })

  test('the rejection of an async one is logged by name and goes no further', async () => {
    @Service()
    class Cache {
      @PostConstruct() async warm() {
        throw new Error('no disk')
      }
    }
    const lines = capturedLines()
    expect(new Container().resolve(Cache)).toBeInstanceOf(Cache)
    await vi.waitFor(() => expect(lines()).toHaveLength(1))
    expect(lines()).toMatchObject([{ level: 50, msg: 'Cache.warm failed', err: { message: 'no disk' } }])
  })
})

describe('a subclass', () => {
  @Service()
  class Dog {
    @Autowired() readonly clock!: Clock
    @Value('SOUND', 'woof') readonly sound!: string
    constructor(
      @Inject('name') readonly name: string,
      readonly tag: Draft,
    ) {}
  }

  test('without a constructor is made by its parent, with all it inherits', () => {
    @Service()
    class Puppy extends Dog {}
    const puppy = new Container({}).registerInstance('name', 'Rex').resolve(Puppy)
    expect(puppy).toBeInstanceOf(Puppy)
    expect(puppy).toMatchObject({
      name: 'Rex',
      sound: 'woof',
      tag: expect.any(Draft),
      clock: expect.any(Clock),
    })
  })

  test('that is not marked itself is as injectable as its parent', () => {
    class Puppy extends Dog {}
    const container = new Container({}).registerInstance('name', 'Rex')
    expect(container.resolve(Puppy)).toBeInstanceOf(Puppy)
    expect(container.resolve(Puppy)).toBe(container.resolve(Puppy))
  })

  test('with a constructor uses none of the tokens of its parent', () => {
    @Service()
    class Stray extends Dog {
      constructor(readonly when: Clock) {
        super('nobody', {})
      }
    }
    @Service()
    class Toy extends Dog {
      constructor() {
        super('plush', {})
      }
    }
    const container = new Container({})
    expect(container.resolve(Stray)).toMatchObject({ name: 'nobody', when: expect.any(Clock) })
    expect(container.resolve(Toy).name).toBe('plush')
  })

  test('wires a property its own way', () => {
    @Service()
    class Late extends Dog {
      @Autowired('clock') override readonly clock!: Clock
    }
    const container = new Container({})
      .registerInstance('name', 'Rex')
      .registerInstance('clock', { now: () => 7 })
    expect(container.resolve(Late).clock.now()).toBe(7)
    expect(container.resolve(Dog).clock.now()).toBe(42)
  })
})
