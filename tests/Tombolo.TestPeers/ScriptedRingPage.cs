// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>The domain's side of a store's ring page, byte by byte. Source: Xen public/io/xs_wire.h, struct xenstore_domain_interface and struct xsd_sockmsg.</summary>
/// <remarks>In texts, zeros are written as '|', and the last one is left out of what is read.</remarks>
public sealed class ScriptedRingPage : IDisposable
{
    public const int RequestConsumer = 2048, RequestProducer = 2052, ReplyConsumer = 2056, ReplyProducer = 2060, State = 2068, Error = 2072;
    private const int RingBytes = 1024, Replies = 1024, PageBytes = 4096;
    private const uint Event = 15, Failure = 16;

    private readonly MemoryMapping _mapping;
    private readonly long _offset;
    private readonly Action _ring;
    private readonly Queue<string> _events = new();
    private uint _put, _took;

    /// <param name="memory">What holds the page, borrowed.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="ring">Rings the server's doorbell.</param>
    public ScriptedRingPage(SafeFd memory, long offset, Action ring)
    {
        (_offset, _ring) = (offset, ring);
        _mapping = MemoryMapping.Map(memory, offset + PageBytes);
    }

    /// <summary>Request bytes put so far.</summary>
    public uint Put => _put;

    /// <summary>Reply bytes taken so far.</summary>
    public uint Took => _took;

    /// <summary>A word of the page.</summary>
    public uint this[int at]
    {
        get => Volatile.Read(ref Word(at));
        set => Volatile.Write(ref Word(at), value);
    }

    /// <summary>A request's bytes.</summary>
    public static byte[] Message(uint operation, string payload, uint transaction = 0)
    {
        byte[] text = Encoding.Latin1.GetBytes(payload.Replace('|', '\0')), bytes = new byte[16 + text.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, operation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), transaction);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), (uint)text.Length);
        text.CopyTo(bytes, 16);
        return bytes;
    }

    /// <summary>Asks to begin anew, waits until it is so, and begins at 0.</summary>
    public void BeginAnew()
    {
        this[State] = 1;
        Ring();
        Watchdog.Until(() => this[State] == 0, "the server connects again");
        (_put, _took) = (0, 0);
        _events.Clear();
    }

    /// <summary>Rings the server.</summary>
    public void Ring() => _ring();

    /// <summary>Sends bytes, in as many parts as it takes.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            Await(() => _put - this[RequestConsumer] < RingBytes, "room in the ring");
            Byte((int)(_put % RingBytes)) = one;
            this[RequestProducer] = ++_put;
            if (_put % 100 == 0) Ring();
        }
        Ring();
    }

    /// <summary>Asks and reads the answer; an error has '!' before it.</summary>
    public string Ask(uint operation, string payload, uint transaction = 0)
    {
        Send(Message(operation, payload, transaction));
        while (true)
        {
            (uint kind, string text) = Next();
            if (kind == Event) _events.Enqueue(text);
            else return kind == Failure ? "!" + text : text;
        }
    }

    /// <summary>The next event: "path|token".</summary>
    public string NextEvent()
    {
        while (_events.Count == 0)
        {
            (uint kind, string text) = Next();
            if (kind != Event) throw new InvalidDataException($"An answer of kind {kind} came to no question: {text}");
            _events.Enqueue(text);
        }
        return _events.Dequeue();
    }

    /// <summary>The next message, of whatever kind.</summary>
    public (uint Kind, string Text) Next()
    {
        byte[] header = Take(16);
        string text = Encoding.Latin1.GetString(Take((int)BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12))));
        return (BinaryPrimitives.ReadUInt32LittleEndian(header), (text.EndsWith('\0') ? text[..^1] : text).Replace('\0', '|'));
    }

    public void Dispose() => _mapping.Dispose();

    private byte[] Take(int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            Await(() => this[ReplyProducer] != _took, "a reply");
            bytes[i] = Byte(Replies + (int)(_took % RingBytes));
            this[ReplyConsumer] = ++_took;
            if (_took % 256 == 0) Ring();   // there is room again
        }
        Ring();
        return bytes;
    }

    // Turns first: the other side is quick, and a sleep would make thousands of messages slow.
    private static void Await(Func<bool> condition, string what)
    {
        for (int turn = 0; turn < 1000; turn++)
        {
            if (condition()) return;
            _ = Thread.Yield();
        }
        Watchdog.Until(condition, what);
    }

    // SAFETY: both: a place within the one page, which is mapped until Dispose.
    private unsafe ref uint Word(int at) => ref MemoryMarshal.AsRef<uint>(new Span<byte>((byte*)_mapping.Address + _offset + at, 4));

    private unsafe ref byte Byte(int at) => ref ((byte*)_mapping.Address)[_offset + at];
}
