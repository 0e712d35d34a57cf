// OpusCodec
