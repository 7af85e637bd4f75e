// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;
using Tombolo.Testing;
using Tombolo.Wire;

namespace Tombolo.Ivshmem.Tests;

public sealed partial class IvshmemMessageTests : WireContract<IvshmemMessage>
{
    protected override IvshmemMessage Sample => new(40000);

    [Theory]
    [InlineData(-1, WireFault.None)]
    [InlineData(65535, WireFault.None)]
    [InlineData(-2, WireFault.ValueOutOfRange)]
    [InlineData(65536, WireFault.ValueOutOfRange)]
    public void Check_TakesMinusOneAndIds(long value, WireFault fault) => new IvshmemMessage(value).Check().ShouldBe(fault);

    [Fact]
    public void Page_GoldenBytes_AreWhatIsWritten()
    {
        MatchCollection rows = GoldenRow().Matches(File.ReadAllText(RepositoryFile.PathOf("docs/specs/doorbell.md")));
        rows.Count.ShouldBe(6);
        foreach (Match row in rows)
        {
            byte[] bytes = new byte[IvshmemMessage.Size];
            new IvshmemMessage(long.Parse(row.Groups["value"].Value.Replace('−', '-'), CultureInfo.InvariantCulture)).Write(bytes);
            string.Join(' ', bytes.Select(one => one.ToString("x2", CultureInfo.InvariantCulture))).ShouldBe(row.Groups["bytes"].Value);
        }
    }

    [Fact]
    public void Keeper_StaysUnder300Lines()
    {
        string[] folders = [RepositoryFile.PathOf("src/Tombolo.Keeper"), RepositoryFile.PathOf("src/Tombolo.Ivshmem/Keeper")];
        // KeeperLink is the server's end; it does not run in the keeper.
        IEnumerable<string> files = folders.SelectMany(folder => Directory.GetFiles(folder, "*.cs")).Where(file => Path.GetFileName(file) != "KeeperLink.cs");
        files.Sum(file => File.ReadLines(file).Count()).ShouldBeInRange(1, 299);
    }

    [GeneratedRegex(@"^\| `(?<bytes>[0-9a-f ]{23})` \| (?<value>\S+) \|", RegexOptions.Multiline)] private static partial Regex GoldenRow();
}
