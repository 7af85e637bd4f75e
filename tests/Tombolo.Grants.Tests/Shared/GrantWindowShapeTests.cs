// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Grants.Tests;

/// <summary>The layout of a window with grants: its page of the specification, its C header, and whatever a hostile first page may say.</summary>
public sealed partial class GrantWindowShapeTests
{
    private static Window Zeroes(long bytes)
    {
        using SafeFd memory = Memfd.Create("grants", bytes);
        return Window.Map(memory);
    }

    [Fact]
    public void LayOut_Default_IsAsThePageSays()
    {
        var shape = new GrantWindowShape();
        using Window window = Zeroes(shape.WindowBytes);
        shape.LayOut(window);
        byte[] golden = Golden("head"), written = new byte[golden.Length];
        window.View(0, golden.Length).CopyOut(0, written);
        Convert.ToHexString(written).ShouldBe(Convert.ToHexString(golden));
        var read = GrantWindowShape.Read(window);
        (read.Domains, read.FirstDomain, read.Ports, read.Entries, read.Pages, read.LengthBytes).ShouldBe((shape.Domains, shape.FirstDomain, shape.Ports, shape.Entries, shape.Pages, shape.LengthBytes));
        (read.AreasAt, read.StrideBytes, read.PendingAt, read.MaskedAt, read.WordsAt, read.TableAt, read.FirstPageAt).ShouldBe((shape.AreasAt, shape.StrideBytes, shape.PendingAt, shape.MaskedAt, shape.WordsAt, shape.TableAt, shape.FirstPageAt));
    }

    [Fact]
    public void Words_AreAsThePageSays()
    {
        Little(new GrantEntry(GrantFlags.PermitAccess | GrantFlags.ReadOnly | GrantFlags.Reading, new(2), 0x408).Word).ShouldBe(Convert.ToHexString(Golden("entry")));
        Little(PortWord.BoundTo(new(3), new(17)).Word).ShouldBe(Convert.ToHexString(Golden("port")));
        byte[] copy = new byte[GrantWindowShape.CopyBytes];
        new CopyRequest(100, new(true, 9, 8, new(2)), new(false, 0x408, 0, new(1))).Write(copy);
        byte[] golden = Golden("copy");
        Convert.ToHexString(copy.AsSpan(0, golden.Length)).ShouldBe(Convert.ToHexString(golden));
        CopyRequest.Read(golden).ShouldBe(new CopyRequest(100, new(true, 9, 8, new(2)), new(false, 0x408, 0, new(1))));
    }

    [Fact]
    public void Layout_IsWhatACompilerMakesOfTheHeader()
    {
        IReadOnlyDictionary<string, long> c = CompiledHeader.Read("guest/linux/test/grant_probe.c");
        (c["tombolo_grant_head.domains"], c["tombolo_grant_head.areas"], c["tombolo_grant_head.pending"], c["tombolo_grant_head.first_page"]).ShouldBe((24, 48, 64, 80));
        (c["tombolo_grant_copy"], c["tombolo_grant_copy.source"], c["tombolo_grant_copy.status"], c["TOMBOLO_GRANT_COPY_AT"], c["TOMBOLO_GRANT_COPIES"]).ShouldBe((GrantWindowShape.CopyBytes, 8, CopyRequest.StatusAt, GrantWindowShape.CopiesAt, GrantWindowShape.Copies));
        (c["TOMBOLO_GRANT_RING_AT"], c["TOMBOLO_GRANT_FIRST_REF"], c["TOMBOLO_GRANT_FIRST_PORT"]).ShouldBe((GrantWindowShape.RingAt, GrantRef.First, GrantWindowShape.FirstPort));
        (c["TOMBOLO_GRANT_INFO"], c["tombolo_grant_info"], c["TOMBOLO_GNTALLOC_END"]).ShouldBe((GrantCalls.Info, GrantCalls.InfoBytes, GrantCalls.EndAccess));
        ((ulong)c["TOMBOLO_GRANT_MAGIC"]).ShouldBe(GrantWindowShape.Magic);
    }

    [Fact]
    public void Shape_OfAnySizes_PartsAreDisjointAndInside()
    {
        Gen<GrantWindowShape> shapes = from domains in Gen.Choose(2, 256)
                                       from ports in Gen.Choose(1, 1024)
                                       from entries in Gen.Choose(1, 1024)
                                       from pages in Gen.Choose(1, 5000)
                                       select new GrantWindowShape { Domains = domains, Ports = ports * 64, Entries = entries * 64, Pages = pages };
        Prop.ForAll(shapes.ToArbitrary(), shape =>
        {
            shape.Problems().ShouldBeEmpty();
            long[] bounds = [GrantWindowShape.RingAt + 4096, shape.PendingAt, shape.PendingAt + (shape.Ports / 8), shape.MaskedAt, shape.MaskedAt + (shape.Ports / 8), shape.WordsAt, shape.WordsAt + (8L * shape.Ports), shape.TableAt, shape.TableAt + (8L * shape.Entries), shape.FirstPageAt, shape.FirstPageAt + (4096L * shape.Pages), shape.StrideBytes];
            bounds.ShouldBe(bounds.Order());
            (shape.WordsAt % 8, shape.TableAt % 8, shape.FirstPageAt % 4096, shape.StrideBytes % 4096).ShouldBe((0, 0, 0, 0L));
            shape.WindowBytes.ShouldBeGreaterThanOrEqualTo(shape.LengthBytes);
            shape.PlaceOf(shape.DomainOf(shape.Domains - 1)).ShouldBe(shape.Domains - 1);
            shape.PlaceOf(new((ushort)shape.Domains)).ShouldBeNull();
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>A first page with bytes changed is refused, or leads nowhere outside the window.</summary>
    [Fact]
    public void Read_OfALyingPage_IsRefusedOrStaysInside()
    {
        var shape = new GrantWindowShape { Domains = 3, Ports = 64, Entries = 64, Pages = 4 };
        using Window window = Zeroes(shape.WindowBytes);
        var random = new Random(7);
        int refused = 0, accepted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            shape.LayOut(window);
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                window.View(0, 88).WriteRelease32(random.Next(4, 22) * 4, random.Next(3) == 0 ? (uint)random.Next(int.MinValue, int.MaxValue) : (uint)random.Next(0, 3) * 4096u * (uint)random.Next(1, 9));
            try
            {
                var read = GrantWindowShape.Read(window);
                read.LengthBytes.ShouldBeLessThanOrEqualTo(window.LengthBytes);
                accepted++;
                new GrantWindow(window, read).Forget(read.Domains - 1);   // touches every table
                window.View(0, 4096).Clear(0, 4096);
            }
            catch (GrantException exception)
            {
                exception.Fault.ShouldBe(GrantFault.Lost);
                refused++;
            }
        }
        refused.ShouldBeGreaterThan(100);
        accepted.ShouldBeGreaterThan(0);
    }

    private static string Little(ulong word) => Convert.ToHexString(BitConverter.GetBytes(word));

    private static byte[] Golden(string name)
    {
        Match match = GoldenBlock().Matches(File.ReadAllText(RepositoryFile.PathOf("docs/specs/grant-window.md"))).Single(match => match.Groups["name"].Value == name);
        return [.. match.Groups["text"].Value.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(static text => byte.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex("^```golden (?<name>.+?)\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex GoldenBlock();
}
