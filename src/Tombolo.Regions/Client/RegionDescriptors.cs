// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>What the server gave to a client: a region's place, its doorbells and the window. Owned.</summary>
internal sealed class RegionDescriptors : IDisposable
{
    private RegionDescriptors(uint begin, uint end, SafeFd fromGuest, SafeFd toGuest, SafeFd window) => (Begin, End, FromGuest, ToGuest, Window) = (begin, end, fromGuest, toGuest, window);

    public uint Begin { get; }
    public uint End { get; }
    public SafeFd FromGuest { get; }
    public SafeFd ToGuest { get; }
    public SafeFd Window { get; }

    /// <summary>Talks to the server, from connect to the last descriptor.</summary>
    /// <exception cref="RegionException">There is no such server or region, or the server does not keep to the protocol.</exception>
    public static RegionDescriptors Ask(string name, RegionClientOptions options)
    {
        SafeFd socket;
        try { socket = UnixSocket.Connect(options.Socket, UnixSocketKind.Stream, options.Timeout); }
        catch (LinuxException exception) { throw new RegionException($"Nobody serves regions at '{options.Socket}': {exception.Message}", exception); }
        using (socket)
        {
            using var inbox = new FdInbox();
            return new Talk(socket, inbox, name, options).Run();
        }
    }

    public void Dispose()
    {
        FromGuest.Dispose();
        ToGuest.Dispose();
        Window.Dispose();
    }

    private sealed class Talk(SafeFd socket, FdInbox inbox, string name, RegionClientOptions options)
    {
        private readonly long _start = options.Time.GetTimestamp();

        public RegionDescriptors Run()
        {
            Send(ClientProtocol.GetVersion);
            ReadVersion();
            byte[] wanted = Encoding.Latin1.GetBytes(name);
            Send([.. ClientProtocol.InformLength, .. ClientProtocol.Number((uint)wanted.Length), .. wanted]);
            uint begin = ReadNumber("the region's begin");
            if (begin == uint.MaxValue) throw new RegionException($"The server at '{options.Socket}' has no region '{name}' for this user.");
            uint end = ReadNumber("the region's end");
            List<SafeFd> fds = [];
            try
            {
                for (int count = 0; count < 3; count++) fds.Add(ReadDescriptor());
                if (!EventFd.IsEventFd(fds[0]) || !EventFd.IsEventFd(fds[1])) throw Broken("gave doorbells that are no eventfds");
                return new(begin, end, fds[0], fds[1], fds[2]);
            }
            catch
            {
                foreach (SafeFd fd in fds) fd.Dispose();
                throw;
            }
        }

        private void Send(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                SocketResult result = UnixSocket.Send(socket, bytes);
                bytes = bytes[result.Bytes..];
                if (result.IsWouldBlock) Wait(forReading: false);
                else if (!result.IsMoved) throw Broken("hung up");
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

        private uint ReadNumber(string what)
        {
            Span<byte> text = stackalloc byte[ClientProtocol.NumberBytes];
            Fill(text, what);
            return ClientProtocol.TryNumber(text, out uint value) ? value : throw Broken($"said '{Shown(text)}' for {what}");
        }

        private SafeFd ReadDescriptor()
        {
            Span<byte> one = stackalloc byte[1];
            Fill(one, "a descriptor");
            if (inbox.WasTruncated) throw new RegionException("This process has too many descriptors open to take a region's; raise the limit (ulimit -n).");
            return inbox.TryTake(out SafeFd? fd) ? fd : throw Broken("sent a byte without its descriptor");
        }

        private void Fill(Span<byte> text, string what)
        {
            while (!text.IsEmpty)
            {
                SocketResult result = UnixSocket.Receive(socket, text, inbox);
                text = text[result.Bytes..];
                if (result.IsWouldBlock) Wait(forReading: true);
                else if (result.IsClosed) throw Broken($"hung up before {what}");
            }
        }

        private void Wait(bool forReading)
        {
            TimeSpan left = options.Timeout - options.Time.GetElapsedTime(_start);
            if (left <= TimeSpan.Zero || !UnixSocket.Wait(socket, forReading, left)) throw Broken($"did not answer within {options.Timeout.TotalSeconds:0.###} s");
        }

        private RegionException Broken(string what) => new($"The server at '{options.Socket}' {what}.");

        private static string Shown(ReadOnlySpan<byte> text) => string.Concat(Encoding.Latin1.GetString(text).Select(letter => letter is >= ' ' and <= '~' ? letter : '?'));
    }
}
