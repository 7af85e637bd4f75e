// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Shouldly;
using Tombolo.Linux;

namespace Tombolo.Ivshmem.Tests.Server;

/// <summary>A client written from the protocol's page alone: it reads messages one at a time and keeps what came with them.</summary>
internal sealed class RawPeer : IDisposable
{
    private static readonly TimeSpan _watchdog = TimeSpan.FromSeconds(60);
    private readonly FdInbox _inbox = new();
    private readonly List<SafeFd> _held = [];

    public RawPeer(string path) => Socket = UnixSocket.Connect(path, UnixSocketKind.Stream);

    public SafeFd Socket { get; }
    public int Id { get; private set; } = -1;
    public SafeFd? Memory { get; private set; }

    /// <summary>Everything sent in the handshake after the memory, in order.</summary>
    public List<(long Value, int EventFd)> Told { get; } = [];

    /// <summary>Connects and reads until its own last vector.</summary>
    public static RawPeer Join(string path, int ownVectors = 2)
    {
        var peer = new RawPeer(path);
        peer.ReadHandshake(ownVectors);
        return peer;
    }

    public void ReadHandshake(int ownVectors)
    {
        (long version, SafeFd? none) = Read();
        (version, none).ShouldBe((0, null));
        (long id, none) = Read();
        none.ShouldBeNull();
        Id = (int)id;
        (long minusOne, Memory) = Read();
        minusOne.ShouldBe(-1);
        Memory.ShouldNotBeNull();
        while (Told.Count(entry => entry.Value == Id) < ownVectors)
        {
            (long value, SafeFd? fd) = Read();
            Told.Add((value, Identity(fd.ShouldNotBeNull())));
        }
    }

    /// <summary>Reads one message.</summary>
    public (long Value, SafeFd? Fd) Read()
    {
        Span<byte> message = stackalloc byte[8];
        for (int filled = 0; filled < message.Length;)
        {
            SocketResult result = UnixSocket.Receive(Socket, message[filled..], _inbox);
            if (result.IsClosed) throw new EndOfStreamException($"closed after {filled} bytes of a message");
            filled += result.Bytes;
            if (!result.IsMoved && !UnixSocket.Wait(Socket, forReading: true, _watchdog)) throw new TimeoutException("the server said nothing for a minute");
        }
        _inbox.WasTruncated.ShouldBeFalse("this process has no descriptor left: the test holds too many");
        if (_inbox.TryTake(out SafeFd? fd)) _held.Add(fd);
        _inbox.Count.ShouldBe(0);
        return (MemoryMarshal.Read<long>(message), fd);
    }

    /// <summary>Reads one notice and closes what came with it: an ID, and the eventfd's number in the kernel, or null for a leave.</summary>
    public (long Id, int? EventFd) ReadNotice()
    {
        (long value, SafeFd? fd) = Read();
        if (fd is null) return (value, null);
        int identity = Identity(fd);
        _ = _held.Remove(fd);
        fd.Dispose();
        return (value, identity);
    }

    /// <summary>Closes every descriptor that came so far.</summary>
    public void ForgetHeld()
    {
        foreach (SafeFd fd in _held) fd.Dispose();
        _held.Clear();
    }

    public bool HasUnread() => UnixSocket.Wait(Socket, forReading: true, TimeSpan.Zero);

    public static int Identity(SafeFd fd) => EventFd.IdentityOf($"/proc/self/fdinfo/{fd.Number}").ShouldNotBeNull();

    /// <summary>The eventfds that came, by their number in the kernel.</summary>
    public SafeFd Held(int identity) => _held.First(fd => EventFd.IdentityOf($"/proc/self/fdinfo/{fd.Number}") == identity);

    public void Dispose()
    {
        Socket.Dispose();
        _inbox.Dispose();
        ForgetHeld();
    }
}
