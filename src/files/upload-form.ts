import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import busboy from 'busboy'
import { invalid } from '../errors.js'

/** What is to be done with a file; its name is missing where the form gives none. */
export type TakeFile<T> = (content: Readable, fileName: string | undefined) => Promise<T>

/** A form that holds one file, in the field `file`, and nothing else, as its request brings it. */
export class UploadForm<T> {
  /** What is made of the file, from when it begins. */
  taken: Promise<T> | undefined
  private readonly parser: busboy.Busboy
  private content: Readable | undefined
  private problem: Error | undefined

  /** Throws where its headers are not those of a form. */
  constructor(
    private readonly req: IncomingMessage,
    private readonly take: TakeFile<T>,
  ) {
    const limits = { files: 1, fields: 0 }
    this.parser = busboy({ headers: req.headers, defParamCharset: 'utf8', limits })
      .on('file', (field, content, { filename }) => this.begin(field, content, filename))
      .on('filesLimit', () => this.stop(invalid('body.file', 'must be one file')))
      .on('fieldsLimit', () => this.stop(notJustAFile()))
  }

  /** Reads on until the end of the request, and gives what was made of the file. */
  async read(): Promise<T> {
    const { req, parser } = this
    const leave = () => {
      if (!req.complete) this.stop(new Error('The client left amid its upload'))
    }
    req.once('close', leave).once('end', () => parser.write('\r\n', () => this.finish()))
    req.pipe(parser, { end: false })
    try {
      await finished(parser)
      if (this.problem) throw this.problem
      if (!this.taken) throw invalid('body.file', 'is required')
      return await this.taken
    } finally {
      req.off('close', leave).unpipe(parser)
      parser.destroy()
    }
  }

  private begin(field: string, content: Readable, fileName: string | undefined): void {
    // What goes wrong with it is told by the parser; an error without a listener would end the process.
    this.content = content.on('error', () => {})
    if (field !== 'file') {
      this.stop(notJustAFile())
      return
    }
    this.taken = this.take(content, fileName)
    this.taken.catch(error => this.stop(error))
  }

  /** Not at once, as the parser does not expect to be ended by those whom it calls. It may be done by then. */
  private stop(problem: Error): void {
    this.problem = problem
    queueMicrotask(() => this.parser.destroy(problem))
  }

  /**
   * When what comes after the form has been parsed, too, a file has ended or never will: between
   * boundaries that overlap the parser loses sight of it, and would wait for it for ever.
   */
  private finish(): void {
    this.parser.end()
    this.content?.push(null)
  }
}

function notJustAFile() {
  return invalid('body', 'takes one file, in the field file, and nothing else')
}
