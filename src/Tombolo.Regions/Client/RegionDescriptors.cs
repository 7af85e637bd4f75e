// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>What the server gave to a client: a region's place, its doorbells and the window. Owned.</summary>
internal sealed class RegionDescriptors : IDisposable
{
    private const int Attempts = 3;

    private RegionDescriptors(uint begin, uint end, SafeFd fromGuest, SafeFd toGuest, SafeFd window) => (Begin, End, FromGuest, ToGuest, Window) = (begin, end, fromGuest, toGuest, window);

    public uint Begin { get; }
    public uint End { get; }
    public SafeFd FromGuest { get; }
    public SafeFd ToGuest { get; }
    public SafeFd Window { get; }

    /// <summary>Talks to the server, from connect to the last descriptor.</summary>
    /// <exception cref="RegionException">There is no such server or region, or the server does not keep to the protocol.</exception>
    /// <remarks>A server that is killed hangs up on whom it talks to, and its successor listens at the same socket: so who hangs up is asked again.</remarks>
    public static RegionDescriptors Ask(string name, RegionClientOptions options)
    {
        for (int attempt = 1; ; attempt++)
            try { return AskOnce(name, options); }
            catch (RegionException exception) when (exception.IsHangUp && attempt < Attempts) { }
    }

    private static RegionDescriptors AskOnce(string name, RegionClientOptions options)
    {
        using ClientTalk talk = ClientTalk.Begin(options);
        byte[] wanted = Encoding.Latin1.GetBytes(name);
        talk.Send([.. ClientProtocol.InformLength, .. ClientProtocol.Number((uint)wanted.Length), .. wanted]);
        uint begin = talk.ReadNumber("the region's begin");
        if (begin == uint.MaxValue) throw new RegionException($"The server at '{options.Socket}' has no region '{name}' for this user.");
        uint end = talk.ReadNumber("the region's end");
        List<SafeFd> fds = [];
        try
        {
            for (int count = 0; count < 3; count++) fds.Add(talk.ReadDescriptor());
            if (!EventFd.IsEventFd(fds[0]) || !EventFd.IsEventFd(fds[1])) throw talk.Broken("gave doorbells that are no eventfds");
            if (SharedFile.SizeOf(fds[2]) < LayoutDescriptor.Size) throw talk.Broken("gave a window that is no memory");
            return new(begin, end, fds[0], fds[1], fds[2]);
        }
        catch
        {
            foreach (SafeFd fd in fds) fd.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        FromGuest.Dispose();
        ToGuest.Dispose();
        Window.Dispose();
    }
}
