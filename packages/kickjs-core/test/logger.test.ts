import { Logger } from '@forinda/kickjs-core'
import { expect, test, vi } from 'vitest'
import { capturedLines } from './captured-lines.js'

test('each level writes its line, with the name of the part', () => {
  const lines = capturedLines()
  const logger = Logger.for('Chat')
  logger.trace('one')
  logger.debug('two')
  logger.info('three')
  logger.warn('four')
  logger.error('five')
  logger.fatal('six')
  expect(lines().map(({ level, part, msg }) => [level, part, msg])).toEqual([
    [10, 'Chat', 'one'],
    [20, 'Chat', 'two'],
    [30, 'Chat', 'three'],
    [40, 'Chat', 'four'],
    [50, 'Chat', 'five'],
    [60, 'Chat', 'six'],
  ])
})

test('fields go before the text or after it', () => {
  const lines = capturedLines()
  Logger.for('Chat').info({ socketId: 'a' }, 'connected')
  Logger.for('Chat').info('connected', { socketId: 'b' })
  Logger.for('Chat').info({ socketId: 'c' })
  expect(lines()).toMatchObject([
    { msg: 'connected', socketId: 'a' },
    { msg: 'connected', socketId: 'b' },
    { socketId: 'c' },
  ])
  expect(lines()[2]).not.toHaveProperty('msg')
})

test('an Error becomes the field err, with its stack and, alone, its text', () => {
  const lines = capturedLines()
  const error = new TypeError('no such room')
  Logger.for('Chat').error(error)
  Logger.for('Chat').error(error, 'could not join')
  Logger.for('Chat').error('could not join', error)
  expect(lines().map(line => line.msg)).toEqual(['no such room', 'could not join', 'could not join'])
  for (const { err } of lines()) {
    expect(err).toMatchObject({
      type: 'TypeError',
      message: 'no such room',
      stack: expect.stringContaining('at '),
    })
  }
})

test('placeholders are filled', () => {
  const lines = capturedLines()
  Logger.for('Cache').debug('missed %s after %d ms', 'user:1', 3)
  Logger.for('Cache').debug('missed %s', { size: 9 }, 'user:2')
  expect(lines()).toMatchObject([{ msg: 'missed user:1 after 3 ms' }, { msg: 'missed user:2', size: 9 }])
})

test('a line stays one line, and a field cannot change the name', () => {
  const lines = capturedLines()
  Logger.for('Chat').warn('first\nsecond', { part: 'Bank' })
  expect(lines()).toMatchObject([{ part: 'Chat', msg: 'first\nsecond' }])
})

test('nothing is written below the level, and nothing at all when silent', () => {
  const lines = capturedLines('warn')
  const logger = Logger.for('Chat')
  logger.info('hello')
  logger.warn('careful')
  expect(lines()).toMatchObject([{ msg: 'careful' }])
  const silent = capturedLines('silent')
  logger.fatal('bye')
  expect(silent()).toEqual([])
})

test('what is not written costs no look at its fields', () => {
  capturedLines('info')
  const read = vi.fn()
  Logger.for('Chat').debug({
    get secret() {
      return read()
    },
  })
  expect(read).not.toHaveBeenCalled()
})

test('a logger follows a later configure, with its redaction', () => {
  const logger = Logger.for('Auth')
  capturedLines()
  const write = vi.fn()
  Logger.configure({ level: 'info', redact: ['password'] }, { write })
  logger.info('signed in', { password: 'hunter2' })
  expect(write).toHaveBeenCalledTimes(1)
  expect(JSON.parse(write.mock.calls[0]?.[0])).toMatchObject({ part: 'Auth', password: '[Redacted]' })
})
