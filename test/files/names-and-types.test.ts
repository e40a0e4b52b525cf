import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FileInspector } from '../../src/files/file-inspector.js'
import { cleanFileName } from '../../src/files/file-name.js'

describe('the name of a file', () => {
  test.each([
    ['report.pdf', 'report.pdf'],
    ['  report.pdf ', 'report.pdf'],
    ['Übersicht — 報告 🗂️.pdf', 'Übersicht — 報告 🗂️.pdf'],
    ['👩‍💻.png', '👩‍💻.png'],
    ['/etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['C:\\fakepath\\photo.jpg', 'photo.jpg'],
    ['../../.bashrc', '.bashrc'],
    ['a\r\nSet-Cookie: x=1.txt', 'aSet-Cookie: x=1.txt'],
    ['nul\0byte.txt', 'nulbyte.txt'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['\ufeffbom.txt', 'bom.txt'],
    ['"quoted"; filename="other".txt', '"quoted"; filename="other".txt'],
    ['e\u0301.txt', '\u00e9.txt'],
    ['half \ud83d.txt', 'half \ufffd.txt'],
    ['con', 'con'],
    ['-rf', '-rf'],
  ])('%j becomes %j', (given, name) => {
    expect(cleanFileName(given)).toBe(name)
  })

  test.each(['', ' ', '.', '..', '/', 'a/..', 'a\\', '\0', '\u202e', '...'])('%j is none', given => {
    expect(cleanFileName(given)).toBeUndefined()
  })

  test('is cut to 255 characters and keeps its ending', () => {
    expect(cleanFileName(`${'x'.repeat(300)}.tar.gz`)).toBe(`${'x'.repeat(252)}.gz`)
    expect(cleanFileName('🗂'.repeat(300))).toBe('🗂'.repeat(255))
    expect(cleanFileName(`a.${'x'.repeat(300)}`)).toBe(`a.${'x'.repeat(253)}`)
  })

  test('can be stored and told, whatever was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), given => {
        const name = cleanFileName(given)
        if (name === undefined) return
        expect(name).not.toMatch(/[\p{Cc}/\\\u202e]/u)
        expect(name.isWellFormed()).toBe(true)
        expect([...name].length).toBeLessThanOrEqual(255)
        expect(cleanFileName(name)).toBe(name)
      }),
    )
  })
})

/** What an inspector makes of a file that comes in pieces. */
async function typeOf(content: Buffer, pieceSize = 1_000): Promise<string> {
  const inspector = new FileInspector(2 ** 30)
  const pieces = function* () {
    for (let at = 0; at < content.length; at += pieceSize) yield content.subarray(at, at + pieceSize)
  }
  await pipeline(Readable.from(pieces()), inspector.resume())
  return inspector.contentType()
}

describe('the type of a file', () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )

  test.each([
    ['a picture', png, 'image/png'],
    ['a GIF that is also a script', Buffer.from('GIF89a/*\0\0*/=1;alert(1)'), 'image/gif'],
    ['a PDF', Buffer.from('%PDF-1.7\n1 0 obj'), 'application/pdf'],
    ['text', Buffer.from('plain, with ümlauts and 🗂\n'), 'text/plain'],
    ['text with colours', Buffer.from('\u001b[31mred\u001b[0m'), 'text/plain'],
    ['nothing', Buffer.alloc(0), 'text/plain'],
    ['a page', Buffer.from('<!doctype html><script>alert(1)</script>'), 'text/plain'],
    ['a drawing', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 'text/plain'],
    ['a script', Buffer.from('alert(1)'), 'text/plain'],
    ['text with a NUL', Buffer.from('a\0b'), 'application/octet-stream'],
    ['Latin 1', Buffer.from([0x66, 0xfc, 0x72]), 'application/octet-stream'],
    ['text that ends amid a character', Buffer.from([0x61, 0xe2, 0x82]), 'application/octet-stream'],
    ['a program', Buffer.from('7f454c4602010100', 'hex'), 'application/x-elf'],
  ])('%s is told by what is in it', async (_what, content, type) => {
    expect(await typeOf(content)).toBe(type)
    expect(await typeOf(content, 1)).toBe(type)
  })

  test('is text also where its sample ends amid a character', async () => {
    const content = Buffer.from(`x${'€'.repeat(50_000)}`)
    expect(await typeOf(content)).toBe('text/plain')
    expect(await typeOf(Buffer.concat([content, Buffer.from([0])]))).toBe('text/plain')
  })

  test('never names what a browser would run', async () => {
    const signs = ['<html>', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', '<svg>']
    for (const sign of signs) {
      for (const before of ['', '\ufeff', ' \n', '<!-- x -->']) {
        const type = await typeOf(Buffer.from(before + sign))
        expect(['text/plain', 'application/xml']).toContain(type)
      }
    }
  })

  test('is found out without harm, whatever it is', async () => {
    const magics = ['504b0304', '3026b2758e66cf11', '4f676753', '494433', '1a45dfa3', '25504446', '38425053']
    for (const magic of magics) {
      for (let index = 0; index < 30; index++) {
        const content = Buffer.concat([Buffer.from(magic, 'hex'), randomBytes(index * 37)])
        expect(await typeOf(content)).toMatch(/^[\w.+-]+\/[\w.+-]+(;.*)?$/)
      }
    }
  })
})
