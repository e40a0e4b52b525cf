declare module 's3rver' {
  import type { AddressInfo } from 'node:net'

  /** A server that speaks the protocol of S3 and keeps its objects in a folder. */
  export default class S3rver {
    constructor(options: {
      port: number
      address: string
      directory: string
      silent: boolean
      configureBuckets: { name: string }[]
    })
    run(): Promise<AddressInfo>
    close(): Promise<void>
    httpServer: import('node:http').Server
  }
}
