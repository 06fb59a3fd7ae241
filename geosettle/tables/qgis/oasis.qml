<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.28" styleCategories="Symbology|Labeling" labelsEnabled="0">
 <renderer-v2 type="categorizedSymbol" attr="setting" enableorderby="0" forceraster="0" symbollevels="0">
  <categories>
   <category symbol="0" value="low" label="low" render="true" type="string" />
   <category symbol="1" value="high" label="high" render="true" type="string" />
   <category symbol="2" value="" label="oasis" render="true" type="string" />
  </categories>
  <symbols>
   <symbol type="fill" name="0" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0">
     <Option type="Map">
      <Option type="QString" name="outline_color" value="@OASIS@,255" />
      <Option type="QString" name="outline_style" value="dot" />
      <Option type="QString" name="outline_width" value="0.3" />
      <Option type="QString" name="style" value="no" />
     </Option>
    </layer>
   </symbol>
   <symbol type="fill" name="1" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0">
     <Option type="Map">
      <Option type="QString" name="outline_color" value="@OASIS@,255" />
      <Option type="QString" name="outline_style" value="dot" />
      <Option type="QString" name="outline_width" value="0.3" />
      <Option type="QString" name="style" value="no" />
     </Option>
    </layer>
   </symbol>
   <symbol type="fill" name="2" alpha="1" clip_to_extent="1" force_rhr="0">
    <layer class="SimpleFill" enabled="1" locked="0" pass="0">
     <Option type="Map">
      <Option type="QString" name="color" value="@OASIS@,@OASIS_ALPHA@" />
      <Option type="QString" name="outline_color" value="@OASIS@,255" />
      <Option type="QString" name="outline_style" value="no" />
      <Option type="QString" name="outline_width" value="0.2" />
      <Option type="QString" name="style" value="solid" />
     </Option>
    </layer>
   </symbol>
  </symbols>
 </renderer-v2>
 <layerGeometryType>2</layerGeometryType>
</qgis>
