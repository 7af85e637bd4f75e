// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Regions;

/// <summary>An owner word that the server holds for this process: where the process is killed, the server gives it back.</summary>
internal sealed class OwnerLink : IDisposable
{
    private readonly ClientTalk _talk;

    private OwnerLink(ClientTalk talk) => _talk = talk;

    /// <summary>Has the server claim a word.</summary>
    /// <param name="region">The managing region.</param>
    /// <param name="offset">The word.</param>
    /// <param name="value">What it shall hold.</param>
    /// <param name="options">How to reach the server.</param>
    /// <param name="link">Holds the word until it is disposed; null where it is owned already, or no server does this.</param>
    /// <returns>False where no server does this, such as vSoC's: the caller claims by itself.</returns>
    /// <exception cref="RegionException">The server does not answer in time: whether it claimed is open, and it gives back what it did.</exception>
    public static bool TryClaim(string region, uint offset, uint value, RegionClientOptions options, out OwnerLink? link)
    {
        link = null;
        ClientTalk talk;
        try { talk = ClientTalk.Begin(options); }
        catch (RegionException) { return false; }   // nobody is there: no less than what is without a server
        bool isHeld = false;
        try
        {
            byte[] name = Encoding.Latin1.GetBytes(region);
            talk.Send([.. ClientProtocol.Owning, .. ClientProtocol.Number((uint)name.Length), .. name, .. ClientProtocol.Number(offset), .. ClientProtocol.Number(value)]);
            uint answer = talk.ReadNumber("whether the area is free");
            isHeld = answer == ClientProtocol.Claimed;
            if (isHeld) link = new(talk);
            return answer is ClientProtocol.Claimed or ClientProtocol.Busy;
        }
        catch (RegionException exception) when (exception.IsHangUp) { return false; }   // it does not know these words
        finally
        {
            if (!isHeld) talk.Dispose();
        }
    }

    /// <summary>Has the server give the word back.</summary>
    /// <returns>False where no server holds it any more: the caller gives it back by itself.</returns>
    public bool TryGiveBack()
    {
        try
        {
            _talk.StartAnew();
            _talk.Send([ClientProtocol.FdByte]);
            return _talk.ReadNumber("that the area is given back") == ClientProtocol.Claimed;
        }
        catch (RegionException exception) { return !exception.IsHangUp; }   // no answer in time: the server's successor finds the closed connection
        finally { _talk.Dispose(); }
    }

    public void Dispose() => _talk.Dispose();
}
