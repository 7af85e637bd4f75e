// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>An answer of a vhost-user back end.</summary>
public sealed record ScriptedAnswer(uint Request, uint Flags, byte[] Payload, SafeFd? Descriptor)
{
    public ulong Word => BinaryPrimitives.ReadUInt64LittleEndian(Payload);
}

/// <summary>The front end's end of a vhost-user connection: says what it is told, right or wrong. Source: QEMU docs/interop/vhost-user.rst.</summary>
public sealed class ScriptedFrontEnd : IDisposable
{
    public const uint GetFeatures = 1, SetFeatures = 2, SetOwner = 3, ResetOwner = 4, SetMemTable = 5, SetVringNum = 8, SetVringAddr = 9, SetVringBase = 10, GetVringBase = 11, SetVringKick = 12,
        SetVringCall = 13, SetVringErr = 14, GetProtocolFeatures = 15, SetProtocolFeatures = 16, GetQueueNum = 17, SetVringEnable = 18, SendRarp = 19, SetMtu = 20, GetConfig = 24, SetConfig = 25,
        GetInflightFd = 31, SetInflightFd = 32, ResetDevice = 34, GetMaxMemSlots = 36, AddMemReg = 37, RemMemReg = 38, SetStatus = 39, GetStatus = 40;

    public ScriptedFrontEnd(SafeFd socket) => Socket = socket;

    public static ScriptedFrontEnd Connect(string path) => new(UnixSocket.Connect(path, UnixSocketKind.Stream, TimeSpan.FromSeconds(10)));

    public SafeFd Socket { get; }

    public static byte[] U64(ulong value) => BitConverter.GetBytes(value);

    public static byte[] State(uint index, uint number) => [.. BitConverter.GetBytes(index), .. BitConverter.GetBytes(number)];

    /// <summary>Sends one message.</summary>
    public void Send(uint request, byte[] payload, uint flags = 1, uint? size = null, params ReadOnlySpan<SafeFd> fds)
    {
        byte[] bytes = [.. BitConverter.GetBytes(request), .. BitConverter.GetBytes(flags), .. BitConverter.GetBytes(size ?? (uint)payload.Length), .. payload];
        SendRaw(bytes, fds);
    }

    public void SendRaw(ReadOnlySpan<byte> bytes, params ReadOnlySpan<SafeFd> fds)
    {
        SocketResult result = UnixSocket.Send(Socket, bytes, fds);
        if (result.Bytes != bytes.Length) throw new IOException($"The back end takes no more: errno {result.Errno}.");
    }

    /// <summary>Waits for an answer; null where the back end hung up.</summary>
    public ScriptedAnswer? Receive()
    {
        using var inbox = new FdInbox();
        byte[] header = new byte[12];
        if (!Fill(header, inbox)) return null;
        byte[] payload = new byte[BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8))];
        if (!Fill(payload, inbox)) return null;
        _ = inbox.TryTake(out SafeFd? fd);
        return new(BinaryPrimitives.ReadUInt32LittleEndian(header), BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4)), payload, fd);
    }

    /// <summary>Sends a message that has an answer, and waits for it.</summary>
    public ScriptedAnswer Ask(uint request, params byte[] payload)
    {
        Send(request, payload);
        return Receive() ?? throw new IOException("The back end hung up.");
    }

    /// <summary>Sends a message and asks for an acknowledgement.</summary>
    /// <returns>The acknowledgement: 0 for done.</returns>
    public ulong Do(uint request, byte[] payload, params ReadOnlySpan<SafeFd> fds)
    {
        Send(request, payload, flags: 9, null, fds);
        ScriptedAnswer answer = Receive() ?? throw new IOException("The back end hung up.");
        if (answer.Request != request || answer.Flags != 5 || answer.Payload.Length != 8) throw new IOException($"The acknowledgement of {request} is {answer}.");
        return answer.Word;
    }

    /// <summary>Whether the back end has hung up, or does within a while.</summary>
    public bool WaitForHangUp() => Receive() is null;

    public void Dispose() => Socket.Dispose();

    private bool Fill(Span<byte> bytes, FdInbox inbox)
    {
        while (bytes.Length > 0)
        {
            if (!UnixSocket.Wait(Socket, forReading: true, Watchdog.Limit)) throw new TimeoutException("The back end says nothing.");
            SocketResult result = UnixSocket.Receive(Socket, bytes, inbox);
            if (result.IsWouldBlock) continue;
            if (!result.IsMoved) return false;
            bytes = bytes[result.Bytes..];
        }
        return true;
    }
}
