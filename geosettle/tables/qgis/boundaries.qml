<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28" styleCategories="Symbology|Labeling" labelsEnabled="0">
 <renderer-v2 type="RuleRenderer" enableorderby="0" forceraster="0" symbollevels="1">
  <rules key="{0}">
   <rule key="{1}" symbol="0" label="upper levels" filter="array_contains(array_agg(to_string(&quot;parent_code&quot;)), to_string(&quot;code&quot;)) AND NOT lower(trim(coalesce(to_string(attribute($currentfeature, 'disputed')), ''))) IN ('true', 'yes', '1', '1.0')" />
   <rule key="{2}" symbol="1" label="disputed" filter="lower(trim(coalesce(to_string(attribute($currentfeature, 'disputed')), ''))) IN ('true', 'yes', '1', '1.0')" />
   <rule key="{3}" symbol="2" label="finest level" filter="ELSE" />
  </rules>
  <symbols>
   <symbol type="fill" name="0" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleLine" enabled="1" locked="0" pass="1">
     <Option type="Map">
      <Option type="QString" name="joinstyle" value="round" />
      <Option type="QString" name="line_color" value="@PREFECTURE@,255" />
      <Option type="QString" name="line_width" value="@PREFECTURE_MM@" />
     </Option>
    </layer>
   </symbol>
   <symbol type="fill" name="1" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleLine" enabled="1" locked="0" pass="2">
     <Option type="Map">
      <Option type="QString" name="joinstyle" value="round" />
      <Option type="QString" name="line_color" value="255,255,255,255" />
      <Option type="QString" name="line_width" value="@UNDER_INTERNATIONAL_MM@" />
     </Option>
    </layer>
    <layer class="SimpleLine" enabled="1" locked="0" pass="3">
     <Option type="Map">
      <Option type="QString" name="capstyle" value="flat" />
      <Option type="QString" name="customdash" value="@INTERNATIONAL_DASHES_MM@" />
      <Option type="QString" name="joinstyle" value="round" />
      <Option type="QString" name="line_color" value="@INTERNATIONAL@,255" />
      <Option type="QString" name="line_width" value="@INTERNATIONAL_MM@" />
      <Option type="QString" name="use_custom_dash" value="1" />
     </Option>
    </layer>
   </symbol>
   <symbol type="fill" name="2" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleLine" enabled="1" locked="0" pass="0">
     <Option type="Map">
      <Option type="QString" name="joinstyle" value="round" />
      <Option type="QString" name="line_color" value="@COUNTY@,255" />
      <Option type="QString" name="line_width" value="@COUNTY_MM@" />
     </Option>
    </layer>
   </symbol>
  </symbols>
 </renderer-v2>
 <layerGeometryType>2</layerGeometryType>
</qgis>
