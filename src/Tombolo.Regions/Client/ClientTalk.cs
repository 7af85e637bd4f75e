// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>A host client's conversation with a server, step by step, each with what is left of the time.</summary>
internal sealed class ClientTalk : IDisposable
{
    private readonly SafeFd _socket;
    private readonly RegionClientOptions _options;
    private readonly FdInbox _inbox = new();
    private long _start;

    private ClientTalk(SafeFd socket, RegionClientOptions options) => (_socket, _options, _start) = (socket, options, options.Time.GetTimestamp());

    /// <summary>Connects, and agrees on the version.</summary>
    /// <exception cref="RegionException">There is no such server, or it does not keep to the protocol.</exception>
    public static ClientTalk Begin(RegionClientOptions options)
    {
        SafeFd socket;
        try { socket = UnixSocket.Connect(options.Socket, UnixSocketKind.Stream, options.Timeout); }
        catch (LinuxException exception) { throw new RegionException($"Nobody serves regions at '{options.Socket}': {exception.Message}", exception); }
        var talk = new ClientTalk(socket, options);
        try
        {
            talk.Send(ClientProtocol.GetVersion);
            talk.ReadVersion();
            return talk;
        }
        catch
        {
            talk.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _inbox.Dispose();
        _socket.Dispose();
    }

    /// <summary>From now on there is the whole time again.</summary>
    public void StartAnew() => _start = _options.Time.GetTimestamp();

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            SocketResult result = UnixSocket.Send(_socket, bytes);
            bytes = bytes[result.Bytes..];
            if (result.IsWouldBlock) Wait(forReading: false);
            else if (!result.IsMoved) throw HungUp("hung up");
        }
    }

    // Both dialects: "0x00000000", or "PROTOCOL_VER 0".
    private void ReadVersion()
    {
        Span<byte> text = stackalloc byte[14];
        Fill(text[..ClientProtocol.NumberBytes], "its version");
        if (text[..ClientProtocol.NumberBytes].SequenceEqual("PROTOCOL_V"u8)) Fill(text[ClientProtocol.NumberBytes..], "its version");
        else text = text[..ClientProtocol.NumberBytes];
        if (!text.SequenceEqual("0x00000000"u8) && !text.SequenceEqual("PROTOCOL_VER 0"u8)) throw Broken($"speaks version '{Shown(text)}', and this client version 0");
    }

    public uint ReadNumber(string what)
    {
        Span<byte> text = stackalloc byte[ClientProtocol.NumberBytes];
        Fill(text, what);
        return ClientProtocol.TryNumber(text, out uint value) ? value : throw Broken($"said '{Shown(text)}' for {what}");
    }

    public SafeFd ReadDescriptor()
    {
        Span<byte> one = stackalloc byte[1];
        Fill(one, "a descriptor");
        if (_inbox.WasTruncated) throw new RegionException("This process has too many descriptors open to take a region's; raise the limit (ulimit -n).");
        return _inbox.TryTake(out SafeFd? fd) ? fd : throw Broken("sent a byte without its descriptor");
    }

    private void Fill(Span<byte> text, string what)
    {
        while (!text.IsEmpty)
        {
            SocketResult result = UnixSocket.Receive(_socket, text, _inbox);
            text = text[result.Bytes..];
            if (result.IsWouldBlock) Wait(forReading: true);
            else if (result.IsClosed) throw HungUp($"hung up before {what}");
        }
    }

    private void Wait(bool forReading)
    {
        TimeSpan left = _options.Timeout - _options.Time.GetElapsedTime(_start);
        if (left <= TimeSpan.Zero || !UnixSocket.Wait(_socket, forReading, left)) throw Broken($"did not answer within {_options.Timeout.TotalSeconds:0.###} s");
    }

    public RegionException Broken(string what) => new(Sentence(what));

    private RegionException HungUp(string what) => new(Sentence(what)) { IsHangUp = true };

    private string Sentence(string what) => $"The server at '{_options.Socket}' {what}.";

    private static string Shown(ReadOnlySpan<byte> text) => string.Concat(Encoding.Latin1.GetString(text).Select(letter => letter is >= ' ' and <= '~' ? letter : '?'));
}
