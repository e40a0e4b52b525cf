import pg from 'pg'
import { expect, test } from 'vitest'
import { translateDatabaseError } from '../../src/db/unavailable.js'

function refusedWith(code: string): Error {
  const refusal = new pg.DatabaseError('refused', 7, 'error')
  refusal.code = code
  return new Error('Failed query', { cause: refusal })
}

test.each([
  ['08006', 'a connection that is lost'],
  ['57014', 'a statement that took too long'],
  ['25P03', 'a transaction that stood still for too long'],
  ['40001', 'a transaction that gave way each time'],
  ['40P01', 'a deadlock that came again each time'],
  ['55P03', 'a lock that was not to be had'],
])('%s, %s, asks to try again', code => {
  expect(translateDatabaseError(refusedWith(code))).toMatchObject({
    status: 503,
    code: 'DATABASE_UNAVAILABLE',
  })
})

test('an answer that never comes asks to try again', () => {
  expect(translateDatabaseError(new Error('Query read timeout'))).toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
  })
})

test.each(['23505', '42601'])('%s, which another try would not mend, stays what it is', code => {
  const error = refusedWith(code)
  expect(translateDatabaseError(error)).toBe(error)
})
